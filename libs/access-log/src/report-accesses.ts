/** Takes a batch of accesses from a connected system; each entry stands or falls on its own. */
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { DomainError, type JsonObject, type SubjectId } from '#kernel';
import { EventStore } from '#ledger';
import { Instant, KeyProvider, OpenCode, type Caller } from '#platform';
import { Sealer, Subjects, type PreparedSubject } from '#subjects';
import { accessTable, entryKey, particularsPlace, sourceStream, type AccessRecorded } from './access-entry.js';
import { AccessVerdicts } from './verdicts.js';

/** What stands open in the ledger besides the id. Looked at entry by entry: a source would repeat a refused batch for ever. */
const codes = { action: OpenCode(50), purpose: OpenCode(100) };
const code = (longest: number): z.ZodString =>
  z.string().max(10_000).describe(`A code of 1 to ${longest} characters; an entry with anything else is rejected`);

const Entry = z.strictObject({
  /** Like action and purpose open in the ledger, and so without spaces, `@` and what is not ASCII. */
  id: z.string().regex(/^[!-?A-~]{1,200}$/),
  sequence: z.number().int().min(0).optional(),
  actor: z.strictObject({ type: z.string().min(1).max(50), id: z.string().min(1).max(200) }),
  subject: z.strictObject({
    identifiers: z
      .array(z.strictObject({ type: z.string().min(1).max(40), value: z.string().min(1).max(10_000) }))
      .min(1)
      .max(20),
  }),
  action: code(50),
  resource: z.string().min(1).max(500),
  fields: z.array(z.string().min(1).max(100)).max(100),
  purpose: code(100),
  at: Instant,
});

export const ReportAccessesBody = z
  .strictObject({ entries: z.array(Entry).min(1).max(500) })
  .meta({ id: 'ReportAccesses' });
export const AccessesReported = z
  .strictObject({
    accepted: z.number().int(),
    /** Entries whose id this source had reported before; they count as accepted and are not recorded twice. */
    duplicates: z.number().int(),
    firstPosition: z.number().int().nullable(),
    lastPosition: z.number().int().nullable(),
    /** `pointer`: JSON pointer into the body that was sent. */
    rejected: z.array(z.strictObject({ id: z.string(), code: z.string(), pointer: z.string() })),
  })
  .meta({ id: 'AccessesReported' });

type Reported = z.infer<typeof AccessesReported>;
type EntryInput = z.infer<typeof Entry>;
/** `at`: JSON pointer within the entry. */
type Rejected = { rejected: string; at: string };
type Fate = { position: number } | 'duplicate' | Rejected;

const FUTURE_MS = 5 * 60_000;

export class ReportAccesses extends Command<Reported> {
  constructor(
    readonly by: Caller,
    readonly entries: EntryInput[],
    readonly now: Date,
  ) {
    super();
  }
}

@CommandHandler(ReportAccesses)
export class ReportAccessesHandler implements ICommandHandler<ReportAccesses> {
  constructor(
    private readonly store: EventStore,
    private readonly subjects: Subjects,
    private readonly sealer: Sealer,
    private readonly keys: KeyProvider,
    private readonly verdicts: AccessVerdicts,
  ) {}

  async execute({ by, entries, now }: ReportAccesses): Promise<Reported> {
    const latest = now.getTime() + FUTURE_MS;
    const known = await this.known(by, entries);
    const fates = await Promise.all(
      entries.map(async (entry): Promise<Fate> => {
        if (known.has(entry.id)) return 'duplicate';
        return faultOf(entry, latest) ?? this.report(by, entry);
      }),
    );
    const positions = fates.flatMap((fate) => (typeof fate === 'object' && 'position' in fate ? [fate.position] : []));
    const rejected = fates.flatMap((fate, index) =>
      typeof fate === 'object' && 'rejected' in fate
        ? [{ id: entries[index]!.id, code: fate.rejected, pointer: `/entries/${index}${fate.at}` }]
        : [],
    );
    const duplicates = fates.filter((fate) => fate === 'duplicate').length;
    return {
      accepted: positions.length + duplicates,
      duplicates,
      firstPosition: positions.length > 0 ? Math.min(...positions) : null,
      lastPosition: positions.length > 0 ? Math.max(...positions) : null,
      rejected,
    };
  }

  /**
   * Ids that this source reported before, whoever they were about: an entry that is sent again after an erasure or a link
   * leads to another subject, and must neither be recorded twice nor bring the person back.
   */
  private async known(by: Caller, entries: readonly EntryInput[]): Promise<Set<string>> {
    const { rows } = await this.store.database.fetch<{ entry_id: string }>(by.tenant, {
      name: 'access-entries-known',
      text: `SELECT n.id AS entry_id FROM unnest($3::text[]) AS n(id)
             WHERE (SELECT true FROM access_entry WHERE tenant = $1 AND source = $2 AND entry_id = n.id LIMIT 1)`,
      values: [by.tenant, by.principal.id, entries.map(({ id }) => id)],
    });
    return new Set(rows.map((row) => row.entry_id));
  }

  private async report(by: Caller, entry: EntryInput): Promise<Fate> {
    try {
      return await this.subjects.record(by.tenant, entry.subject.identifiers, {}, (who) => this.append(by, entry, who));
    } catch (error) {
      if ((error as { constraint?: string }).constraint === entryKey) return 'duplicate';
      // What may succeed later is no fault of the entry: a source sends none again that was rejected.
      const forGood = error instanceof DomainError && error.status < 500 && error.details.retryable !== true;
      if (forGood) return { rejected: error.code, at: error.details.errors?.[0]?.pointer ?? '' };
      throw error;
    }
  }

  /** Entries of one batch arrive at the ledger together and share its commit. */
  private async append(by: Caller, entry: EntryInput, who: PreparedSubject): Promise<Fate> {
    const source = by.principal.id;
    const at = new Date(entry.at).toISOString();
    const { actor, resource, fields } = entry;
    const data: AccessRecorded = {
      id: entry.id,
      source,
      sequence: entry.sequence ?? null,
      subject: who.subject,
      action: entry.action,
      purpose: entry.purpose,
      at,
      verdict: await this.verdict(by, who, entry.purpose, at),
      particulars: await this.sealer.seal(
        by.tenant,
        who.subject,
        'access',
        { actor, resource, fields },
        particularsPlace(source, entry.id),
      ),
    };
    const actorMac = this.keys.mac(by.tenant, 'actor', `${actor.type}:${actor.id}`);
    const done = await this.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      events: [
        ...who.events,
        {
          stream: sourceStream(source),
          type: 'AccessRecorded.v1',
          data: data as unknown as JsonObject,
          occurredAt: new Date(at),
        },
      ],
      rows: [
        ...who.rows,
        {
          into: accessTable,
          row: ({ lastPosition, recordedAt }) => [
            lastPosition,
            who.subject,
            source,
            entry.id,
            data.sequence,
            actorMac,
            entry.action,
            entry.purpose,
            at,
            recordedAt,
            data.verdict,
          ],
        },
      ],
    });
    return { position: done.lastPosition };
  }

  private verdict(by: Caller, who: PreparedSubject, purpose: string, at: string): Promise<AccessRecorded['verdict']> {
    return this.verdicts.judge(by.tenant, who.subject as SubjectId, purpose, at);
  }
}

/** What can be seen of an entry without looking anything up. */
function faultOf(entry: EntryInput, latest: number): Rejected | undefined {
  for (const field of ['action', 'purpose'] as const)
    if (!codes[field].safeParse(entry[field]).success) return { rejected: 'invalid-format', at: `/${field}` };
  return Date.parse(entry.at) > latest ? { rejected: 'at-in-future', at: '/at' } : undefined;
}
