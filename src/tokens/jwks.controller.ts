import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Public } from '../access/route-access.js';
import { Answers, IsOpen } from '../platform/http/openapi.js';
import type { PublicJwk } from './signing-key.js';
import { SigningKeys } from './signing-keys.service.js';

const jwk = z
  .object({
    kty: z.string(),
    kid: z.string(),
    alg: z.string(),
    use: z.literal('sig'),
    crv: z.string().optional(),
    x: z.string().optional(),
    y: z.string().optional(),
    n: z.string().optional(),
    e: z.string().optional(),
  })
  .meta({ id: 'Jwk', description: 'A public key (RFC 7517)' });

const jwks = z.strictObject({ keys: z.array(jwk) }).meta({ id: 'Jwks' });

/** The public keys, for services that check access tokens themselves. */
@ApiTags('Standards')
@Controller('.well-known')
export class JwksController {
  constructor(private readonly keys: SigningKeys) {}

  @Public()
  @Get('jwks.json')
  @ApiOperation({ summary: 'The keys that verify access tokens', operationId: 'getJwks' })
  @Answers(200, jwks)
  @IsOpen()
  read(): { keys: PublicJwk[] } {
    return { keys: this.keys.published() };
  }
}
