import { Inject, Injectable } from '@nestjs/common';
import { Problem } from '../../platform/http/problem.js';
import { canonicalPassword } from './canonical-password.js';
import { CommonPasswords } from './common-passwords.js';

export const PASSWORD_POLICY_OPTIONS = Symbol('PASSWORD_POLICY_OPTIONS');

export interface PasswordPolicyOptions {
  /** The fewest code points a password may have; 8 unless given. */
  minLength?: number;
}

/** Why a password is refused, in words for the person who chose it. */
export interface PasswordFault {
  code: 'invalid_request' | 'password_too_common';
  detail: string;
}

/** What a user is called, which their password must not be. */
export interface PasswordContext {
  email?: string | null;
  username?: string | null;
}

const MAX_LENGTH = 256;
/** Words an attacker tries first here (ASVS 5.0 V6.2.11); up to four digits or signs around them change nothing. */
const CONTEXT_WORDS = ['gatehouse'];
const CONTEXT_PASSWORD = new RegExp(`^[\\d\\W_]{0,4}(${CONTEXT_WORDS.join('|')})[\\d\\W_]{0,4}$`);

/** What a new password must be: long enough, and nothing an attacker tries first. No rules of composition. */
@Injectable()
export class PasswordPolicy {
  private readonly common = new CommonPasswords();
  private readonly minLength: number;

  constructor(@Inject(PASSWORD_POLICY_OPTIONS) { minLength = 8 }: PasswordPolicyOptions) {
    if (!Number.isInteger(minLength) || minLength < 1 || minLength > MAX_LENGTH) {
      throw new RangeError(`The least password length must be from 1 to ${MAX_LENGTH}.`);
    }
    this.minLength = minLength;
  }

  /** Throws a Problem about the field at `pointer` where the user described in `context` may not have this password. */
  assertAcceptable(password: string, context: PasswordContext, pointer = '/password'): void {
    const fault = this.check(password, context);
    if (fault) throw Problem.field(pointer, fault.detail, fault.code);
  }

  /** The first fault of a password chosen by the user described in `context`, or null when it may be used. */
  check(password: string, context: PasswordContext): PasswordFault | null {
    const canonical = canonicalPassword(password);
    if (canonical === null) return invalid(`Use at most ${MAX_LENGTH} characters, all of them valid Unicode text.`);
    return this.lengthFault(canonical) ?? this.guessableFault(canonical.toLowerCase(), context);
  }

  private lengthFault(canonical: string): PasswordFault | null {
    const length = [...canonical].length;
    if (length < this.minLength) {
      return invalid(
        `Use at least ${this.minLength} characters. A few unrelated words are easy to remember and hard to guess.`,
      );
    }
    return length > MAX_LENGTH ? invalid(`Use at most ${MAX_LENGTH} characters.`) : null;
  }

  /** Capital letters do not make a guess harder, so both sides are compared in lower case. */
  private guessableFault(lower: string, { email, username }: PasswordContext): PasswordFault | null {
    const own = [email, email?.replace(/@[^@]*$/, ''), username];
    if (own.some((value) => value?.normalize('NFC').toLowerCase() === lower)) {
      return tooCommon('The password must not be your email address or username. Choose one that only you know.');
    }
    if (this.common.has(lower) || CONTEXT_PASSWORD.test(lower)) {
      return tooCommon(
        'This password is one of the first that attackers try. Choose another, such as a few unrelated words.',
      );
    }
    return null;
  }
}

const invalid = (detail: string): PasswordFault => ({ code: 'invalid_request', detail });
const tooCommon = (detail: string): PasswordFault => ({ code: 'password_too_common', detail });
