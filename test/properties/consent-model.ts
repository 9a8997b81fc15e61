/**
 * What a consent check must answer, written from the rules and not from the code: privacy practice 1.10 (by basis, GDPR 6(1),
 * 7(3), 18(2), 21) and the order of decisions (collectedAt, then a tie to the stop; live stops beat what came before them).
 */

export interface ModelRecord {
  decision: 'given' | 'refused' | 'withdrawn';
  channel: string | null;
  /** Minutes on the model's own clock. */
  collected: number;
  recorded: number;
  position: number;
  imported: boolean;
  expires: number | null;
}

export interface ModelPurpose {
  basis: 'consent' | 'contract' | 'legal-obligation' | 'vital-interests' | 'public-task' | 'legitimate-interest';
  model: 'opt-in' | 'opt-out';
  channels: string[] | undefined;
}

export interface ModelQuestion {
  now: number;
  at: number | undefined;
  asOf: number | undefined;
  channel: string | undefined;
  restricted: boolean;
  /** A mark that was there when the person came (back). `objected`: to this purpose; else she was only erased. */
  promise?: { before: number; objected: boolean } | undefined;
}

export interface ModelAnswer {
  permit: boolean;
  /** Of the decision that stands: may the person's own yes be relied on, did they stop it, did it run out? */
  state: 'given' | 'stopped' | 'expired' | 'never-asked';
}

/** Nobody can decide later than we know of it: a fast clock is set right by the time of arrival. */
const decidedAt = (record: ModelRecord): number => Math.min(record.collected, record.recorded);

/** Rule by rule: does this stop still hold against that yes? */
function holdsAgainst(stop: ModelRecord, yes: ModelRecord): boolean {
  const stopIsLive = !stop.imported;
  if (stopIsLive && stop.position > yes.position) return true;
  if (stopIsLive && yes.imported && decidedAt(yes) <= stop.recorded) return true;
  return decidedAt(stop) >= decidedAt(yes);
}

function stateOf(records: readonly ModelRecord[], question: ModelQuestion): ModelAnswer['state'] {
  const inView: ModelRecord[] = [];
  for (const record of records) {
    if (question.asOf !== undefined && record.recorded > question.asOf) continue;
    if (question.at !== undefined && decidedAt(record) > question.at) continue;
    const everyChannel = record.channel === null;
    const isStop = record.decision !== 'given';
    // Asked about no channel, the question is about every one: a yes for one of them is not enough, a stop for one is.
    if (question.channel === undefined ? everyChannel || isStop : everyChannel || record.channel === question.channel)
      inView.push(record);
  }
  const standingYes: ModelRecord[] = [];
  for (const yes of inView) {
    if (yes.decision !== 'given') continue;
    let stopped = false;
    for (const other of inView) if (other.decision !== 'given' && holdsAgainst(other, yes)) stopped = true;
    if (!stopped) standingYes.push(yes);
  }
  if (standingYes.length === 0) return inView.some((record) => record.decision !== 'given') ? 'stopped' : 'never-asked';
  standingYes.sort((a, b) => decidedAt(a) - decidedAt(b) || a.position - b.position);
  const { expires } = standingYes.at(-1)!;
  return expires !== null && expires <= (question.at ?? question.now) ? 'expired' : 'given';
}

/** An old yes that comes back after the promise is none; one that arrives within five minutes of being said is not old. */
function stillSaid(record: ModelRecord, { promise }: ModelQuestion): boolean {
  if (promise === undefined || record.decision !== 'given') return true;
  return record.recorded - record.collected <= 5 || decidedAt(record) >= promise.before;
}

/** The answer the rules demand. */
export function expectedAnswer(
  purpose: ModelPurpose,
  records: readonly ModelRecord[],
  question: ModelQuestion,
): ModelAnswer {
  const state = stateOf(
    records.filter((record) => stillSaid(record, question)),
    question,
  );
  // Who objected and is not asked since is no stranger: silence permits nothing (GDPR 21(3)).
  const silenced = question.promise?.objected === true && state === 'never-asked';
  const asked = question.channel;
  if (asked !== undefined && purpose.channels !== undefined && !purpose.channels.includes(asked))
    return { permit: false, state };
  const ownConsent = purpose.basis === 'consent' && state === 'given';
  if (question.restricted) return { permit: ownConsent, state };
  const permits: Record<ModelPurpose['basis'], boolean> = {
    consent: ownConsent || (purpose.model === 'opt-out' && state !== 'stopped' && !silenced),
    contract: true,
    'legal-obligation': true,
    'vital-interests': true,
    'public-task': state !== 'stopped' && !silenced,
    'legitimate-interest': state !== 'stopped' && !silenced,
  };
  return { permit: permits[purpose.basis], state };
}
