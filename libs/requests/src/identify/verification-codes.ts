/** One-time codes: 8 digits, kept as a keyed hash outside the ledger, ten minutes, five tries. */
import { randomInt } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { newId, type Clock, type TenantId } from '#kernel';
import { Database } from '#ledger';
import { CLOCK, KeyProvider } from '#platform';
import type { Identifier } from '../step/connected.js';
import { codeInvalid } from '../requests.errors.js';

const TTL_MS = 10 * 60_000;
const TRIES = 5;

export interface NewCode {
  id: string;
  code: string;
  expiresAt: Date;
}

@Injectable()
export class VerificationCodes {
  constructor(
    private readonly database: Database,
    private readonly keys: KeyProvider,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** A new code ends the earlier ones for the identifier. */
  async issue(tenant: TenantId, requestId: string, identifier: Identifier): Promise<NewCode> {
    const id = newId();
    const code = String(randomInt(0, 100_000_000)).padStart(8, '0');
    const expiresAt = new Date(this.clock.now().getTime() + TTL_MS);
    const target = this.target(tenant, requestId, identifier);
    await this.database.transaction(tenant, async (query) => {
      await query({
        // And whatever ran out unused: nothing else would ever remove it.
        text: 'DELETE FROM request_code WHERE tenant = $1 AND ((request = $2 AND target = $3) OR expires_at < $4)',
        values: [tenant, requestId, target, this.clock.now()],
      });
      await query({
        text: 'INSERT INTO request_code (tenant, id, request, target, hash, tries, expires_at) VALUES ($1, $2, $3, $4, $5, 0, $6)',
        values: [tenant, id, requestId, target, this.hash(tenant, id, code), expiresAt],
      });
    });
    return { id, code, expiresAt };
  }

  /** Uses the code up. Throws 409 `verification-code-invalid`, the same for a wrong, an old and a missing one. */
  async spend(tenant: TenantId, requestId: string, identifier: Identifier, code: string): Promise<void> {
    const target = this.target(tenant, requestId, identifier);
    const spent = await this.database.transaction(tenant, async (query) => {
      // Counting first, and in the same row lock: parallel guesses can't share a try.
      const { rows } = await query<{ id: string; hash: Buffer; tries: number; expires_at: Date }>({
        text: 'UPDATE request_code SET tries = tries + 1 WHERE tenant = $1 AND request = $2 AND target = $3 RETURNING id, hash, tries, expires_at',
        values: [tenant, requestId, target],
      });
      const [row] = rows;
      if (!row || row.tries > TRIES || row.expires_at <= this.clock.now()) return false;
      if (!row.hash.equals(this.hash(tenant, row.id, code))) return false;
      await query({ text: 'DELETE FROM request_code WHERE tenant = $1 AND id = $2', values: [tenant, row.id] });
      return true;
    });
    if (!spent) throw codeInvalid();
  }

  private target(tenant: TenantId, requestId: string, { type, value }: Identifier): Buffer {
    return this.keys.mac(tenant, 'item', `code-target|${requestId}|${JSON.stringify([type, value])}`);
  }

  private hash(tenant: TenantId, id: string, code: string): Buffer {
    return this.keys.mac(tenant, 'item', `code|${id}|${code}`);
  }
}
