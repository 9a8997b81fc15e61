/** The guard of this process's clock: the database tells the time that all replicas share. */
import type { Clock } from '#kernel';
import type { Database } from '#ledger';
import { ClockGuard, type ClockJudgement, type Logger } from '#platform';

const words: Record<ClockJudgement, string> = {
  sound: 'the clock agrees with the database again',
  skewed: 'the clock differs from that of the database by more than 2 s: let both follow the same time server',
  stopped:
    'the clock differs from that of the database by more than 5 s: nothing is signed and no due date is acted on',
};

/** A clock that was passed in is compared only when asked for: a test states its own time. */
export function openClockGuard(
  database: Database,
  clock: Clock,
  log: Logger,
  { clock: given, guardClock }: { clock?: Clock; guardClock?: boolean },
): ClockGuard {
  const reference = async (): Promise<Date> => {
    const { rows } = await database.global<{ now: Date }>({
      name: 'database-clock',
      text: 'SELECT clock_timestamp() AS now',
    });
    if (!rows[0]) throw new Error('the database does not tell the time');
    return rows[0].now;
  };
  const compares = given === undefined || guardClock === true;
  return new ClockGuard(clock, compares ? reference : undefined, (judgement, fields) =>
    log[judgement === 'sound' ? 'info' : 'error']({ judgement, ...fields }, words[judgement]),
  );
}
