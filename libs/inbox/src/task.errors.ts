/** Refusals of the task routes. */
import { conflict, DomainError, unprocessable } from '#kernel';

/** Somebody else has claimed the task since, it was given back, or it is over. */
export const leaseLost = (): DomainError =>
  conflict('lease-lost', 'This claim is no longer valid. Stop working at the task and ask for tasks again.');

export const taskTaken = (): DomainError =>
  conflict('task-taken', 'Another worker holds the task, or it is over. Ask for tasks again.');

export const connectionNotEnabled = (): DomainError =>
  conflict('connection-disabled', 'The connection is not enabled. Ask an admin of the tenant.');

/** The task stays with whoever holds it. */
export const outcomesMissing = (missing: readonly string[]): DomainError =>
  unprocessable('outcomes-missing', {
    detail:
      'The datasets in missing have no outcome yet, and the task is still yours. Complete it with theirs, or say failed.',
    extra: { missing },
  });

export const notARead = (): DomainError =>
  unprocessable('records-not-asked', 'Only a task of kind read takes records.');

export const hashDiffers = (): DomainError =>
  unprocessable('part-hash-differs', 'The part is not what its sha256 says. Send it again.');

export const partTooLarge = (): DomainError =>
  unprocessable('part-too-large', 'A part holds at most 512 KiB of UTF-8. Cut it smaller.');

/** `expected` is the number of the part to send next. */
export const partOutOfOrder = (expected: number): DomainError =>
  conflict('part-out-of-order', {
    detail: 'Parts come in order, and a part sent twice must be the same. Go on at the part named in expected.',
    extra: { expected },
  });

export const tooManyRecords = (): DomainError =>
  new DomainError(413, 'records-limit', 'A task takes at most 64 MiB of records. Report failed and call the office.');

/** `line` is 1-based in the text of all parts. */
export const recordsInvalid = (line: number): DomainError =>
  unprocessable('records-invalid', {
    detail:
      'A line is no JSON object {dataset, ref, fields} of a dataset that was asked. Release the task and send anew.',
    extra: { line },
  });

export const recordsDiffer = (dataset: string): DomainError =>
  unprocessable('records-count-differs', {
    detail: 'The records handed in are not as many as the outcome says. Hand in the rest, or correct the count.',
    extra: { dataset },
  });
