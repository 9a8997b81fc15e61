/** What must not come back: a person who was erased or objected, by keyed hash, per scope, until a date. */
import type { Clock, TenantId } from '#kernel';
import type { Database } from '#ledger';
import type { KeyProvider } from '#platform';
import { forgetSealed, sealChange } from './suppression-seal.js';
import { keyOf, NORMALISER_VERSION, normaliseAll, type Identifier } from '../identifier.js';

/** A purpose, a connection, or every source of data. */
export type SuppressionScope = { kind: 'purpose' | 'connection'; id: string } | { kind: 'all-sources' };

/** Data from before `before` stays out; `expiresAt` ends the suppression itself. */
export interface NewSuppression {
  scope: SuppressionScope;
  before: Date;
  expiresAt: Date;
}

/** May data about this person, dated `dataFrom`, come in or be used for this purpose or through this connection, or at all? */
export interface SuppressionQuestion {
  identifier: Identifier;
  purpose?: string;
  connection?: string;
  /** When the data arose: an order's date, not the sync's. */
  dataFrom: Date;
}

interface Row {
  mac: Buffer;
  scope_kind: 'purpose' | 'connection' | 'all-sources';
  scope: string;
  before: Date;
  expires_at: Date;
}

/** A suppression that concerns a known person. `before` as in `NewSuppression`. */
export interface SuppressionMark {
  scope: SuppressionScope;
  before: Date;
  until: Date;
}

/** Id that stands for Lethe itself in a scope of kind `connection`: what it knew before must not come back to it either. */
export const OWN_CONNECTION = 'lethe';

/** The suppression that keeps something out, and when it ends. */
export interface SuppressionHit {
  scope: SuppressionScope;
  until: Date;
}

/**
 * Lives in the key store's database: outside the ledger, because a leaf never expires, and outside its backups. The key is
 * its own and never changed, since the identifiers are gone; its id and the normaliser's version stand in every row.
 */
export class Suppressions {
  constructor(
    private readonly database: Database,
    private readonly keys: KeyProvider,
    private readonly clock: Clock,
  ) {}

  /** Suppresses identifiers. Repeating extends: the later `before` and the later end count. */
  async suppress(
    tenant: TenantId,
    identifiers: readonly Identifier[],
    { scope, before, expiresAt }: NewSuppression,
  ): Promise<void> {
    const macs = normaliseAll(identifiers).map((identifier) => this.keys.mac(tenant, 'suppression', keyOf(identifier)));
    const id = scope.kind === 'all-sources' ? '' : scope.id;
    // Only the day: a time would lead back to the request that caused the row.
    const day = this.clock.now().toISOString().slice(0, 10);
    await this.database.transaction(tenant, (query) =>
      sealChange(query, this.keys, tenant, macs, () =>
        query({
          text: `INSERT INTO suppression AS s (tenant, mac, key_id, normaliser, scope_kind, scope, before, expires_at, created_on)
                 SELECT $1, m, $3, $4, $5, $6, $7, $8, $9 FROM unnest($2::bytea[]) AS n(m)
                 ON CONFLICT (tenant, mac, scope_kind, scope) DO UPDATE
                 SET before = GREATEST(s.before, excluded.before), expires_at = GREATEST(s.expires_at, excluded.expires_at)`,
          values: [
            tenant,
            macs,
            this.keys.macKeyId('suppression'),
            NORMALISER_VERSION,
            scope.kind,
            id,
            before,
            expiresAt,
            day,
          ],
        }),
      ),
    );
  }

  async isSuppressed(
    tenant: TenantId,
    identifier: Identifier,
    about: Omit<SuppressionQuestion, 'identifier'>,
  ): Promise<boolean> {
    return (await this.check(tenant, [{ identifier, ...about }]))[0] ?? false;
  }

  /** Answers in the order asked. */
  async check(tenant: TenantId, questions: readonly SuppressionQuestion[]): Promise<boolean[]> {
    return (await this.find(tenant, questions)).map((hit) => hit !== undefined);
  }

  /** The suppression that covers each question and ends last, in the order asked, with one query. */
  async find(
    tenant: TenantId,
    questions: readonly SuppressionQuestion[],
    pointer = '/items',
  ): Promise<(SuppressionHit | undefined)[]> {
    const macs = questions.map(({ identifier }, index) => {
      const [normal] = normaliseAll([identifier], `${pointer}/${index}/identifier`);
      return this.keys.mac(tenant, 'suppression', keyOf(normal ?? identifier));
    });
    const { rows } = await this.database.fetch<Row>(tenant, {
      name: 'suppression-check',
      text: 'SELECT mac, scope_kind, scope, before, expires_at FROM suppression WHERE tenant = $1 AND mac = ANY($2::bytea[]) AND expires_at > $3',
      values: [tenant, macs, this.clock.now()],
    });
    const byMac = new Map<string, Row[]>();
    for (const row of rows) {
      const name = row.mac.toString('hex');
      byMac.set(name, [...(byMac.get(name) ?? []), row]);
    }
    return questions.map((question, index) => {
      const own = byMac.get(macs[index]?.toString('hex') ?? '') ?? [];
      const [last] = own.filter((row) => covers(row, question)).sort((a, b) => +b.expires_at - +a.expires_at);
      return last && { scope: scopeOf(last), until: last.expires_at };
    });
  }

  /**
   * Marks that were there when the person came: each identifier with the time it was added (ADR 12). Whoever held one when
   * its mark was made has the decision itself on record, or is somebody else.
   */
  async marksOn(
    tenant: TenantId,
    identifiers: readonly (Identifier & { addedAt: Date })[],
  ): Promise<SuppressionMark[]> {
    if (identifiers.length === 0) return [];
    const macs = identifiers.map((identifier) => this.keys.mac(tenant, 'suppression', keyOf(identifier)));
    const { rows } = await this.database.fetch<Row>(tenant, {
      name: 'suppression-marks',
      text: `SELECT s.mac, s.scope_kind, s.scope, s.before, s.expires_at FROM suppression s
             JOIN unnest($2::bytea[], $3::timestamptz[]) AS known(mac, added_at) ON s.mac = known.mac
             WHERE s.tenant = $1 AND s.mac = ANY($2::bytea[]) AND s.before <= known.added_at AND s.expires_at > $4`,
      values: [tenant, macs, identifiers.map(({ addedAt }) => addedAt), this.clock.now()],
    });
    return rows.map((row) => ({ scope: scopeOf(row), before: row.before, until: row.expires_at }));
  }

  /** Removes what has expired; a keyed hash of an erased person has no purpose beyond its date. Returns how many rows. */
  forgetExpired(tenant: TenantId): Promise<number> {
    return this.database.transaction(tenant, (query) => forgetSealed(query, this.keys, tenant, this.clock.now()));
  }
}

function scopeOf({ scope_kind: kind, scope }: Row): SuppressionScope {
  return kind === 'all-sources' ? { kind } : { kind, id: scope };
}

function covers(row: Row, { purpose, connection, dataFrom }: SuppressionQuestion): boolean {
  if (dataFrom >= row.before) return false;
  // Of a row that may be for anything and come from anywhere every mark speaks.
  if (purpose === undefined && connection === undefined) return true;
  switch (row.scope_kind) {
    case 'all-sources':
      return true;
    case 'purpose':
      return row.scope === purpose;
    case 'connection':
      return row.scope === connection;
  }
}
