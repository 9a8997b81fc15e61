/** The shape of a retention duty: which records a law wants kept, how long, and from when the time runs. */
import type { CivilDate, Fact } from './deadline-row.js';

/** One law's duty to keep one class of record. */
export interface DutyRow extends Fact {
  /** The `ruleId` that decisions, outcomes and answers carry. */
  id: string;
  /** ISO 3166-1 country, or ISO 3166-2 subdivision where only that part has the duty. */
  country: string;
  /** `invoice`, `voucher`, `commercial-letter`, `accounting-record`, `privacy-request`, ... */
  recordClass: string;
  citation: string;
  period: { n: number; unit: 'month' | 'year' };
  /** Whether the period runs from the record's own date or from the end of its calendar year. */
  startOf: 'record-date' | 'year-end';
  /** Days on which this version of the law is applied: compared with today, not with the record's date. */
  validFrom: CivilDate;
  validTo?: CivilDate;
}
