import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { UserRow } from '../../users/user.js';
import type { Challenge, Proof } from './sign-in-outcome.js';

/** Decides whether a proof is enough to sign in. No account has a second factor yet, so every proof is. */
@Injectable()
export class SecondFactor {
  /** What the user has to prove besides, or null. Asked under the lock of the user's row, in the transaction of the sign-in. */
  async challengeFor(_user: UserRow, _proof: Proof, _manager: EntityManager): Promise<Challenge | null> {
    return null;
  }
}
