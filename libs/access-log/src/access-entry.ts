/** Accesses to a person's data, as connected systems report them and as Lethe makes them itself. Pure. */
import type { SubjectId } from '#kernel';
import { declareEvents, type InlineTable } from '#ledger';
import type { Sealed } from '#subjects';

declareEvents('AccessRecorded.v1', 'LetheReadRecorded.v1');

/** What an access is measured against: "matches recorded consent or declared basis", never "lawful". */
export type AccessVerdict = 'matches-consent' | 'matches-declared-basis' | 'no-match' | 'undeclared-purpose';

/** Data of `AccessRecorded.v1`. Actor, resource and fields may name people: sealed under the subject's access key. */
export interface AccessRecorded {
  /** The source's own id; unique per source. */
  id: string;
  source: string;
  sequence: number | null;
  subject: SubjectId;
  action: string;
  purpose: string;
  at: string;
  verdict: AccessVerdict;
  particulars: Sealed;
}

/** Data of `LetheReadRecorded.v1`: somebody read personal data through Lethe; one leaf may concern several people. */
export interface LetheReadRecorded {
  route: string;
  subjects: { subject: SubjectId; fields: string[] }[];
}

/** Stream of one source's reports. */
export const sourceStream = (source: string): string => `access/${source}`;
/** Stream of reads through Lethe itself. */
export const letheReads = 'access/lethe';

/** Where the sealed part stands. */
export const particularsPlace = (source: string, id: string): string => `access/${source}/${id}`;

/** Inline rows of the search; a repeat of the source's own id runs into the unique key. */
export const accessTable: InlineTable = {
  name: 'access-entry',
  columns: 11,
  text: `INSERT INTO access_entry (tenant, position, subject, source, entry_id, sequence, actor_mac, action, purpose, at, recorded_at, verdict)
         SELECT $1, * FROM unnest($2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::bytea[], $8::text[], $9::text[], $10::timestamptz[], $11::timestamptz[], $12::text[])`,
};

/** Name of the unique key of a source's own entry ids. */
export const entryKey = 'access_entry_source';
