/** What the humans of the office do: the sensible next thing, or in a storm now and then something else. */
import { DomainError } from '#kernel';
import { AlreadyDone } from '#ledger';
import { ApproveRequest } from '../../libs/requests/src/plan/approve-request.js';
import { ExcludeFromPlan } from '../../libs/requests/src/plan/exclude-from-plan.js';
import { MakePlan } from '../../libs/requests/src/plan/make-plan.js';
import type { PlanHead } from '../../libs/requests/src/plan/plan.js';
import { IdentifySubject } from '../../libs/requests/src/identify/identify-subject.js';
import { OpenRequest } from '../../libs/requests/src/opening/open-request.js';
import type { RequestState } from '../../libs/requests/src/request-state.js';
import type { Chance } from './chance.js';
import { caller, type Engine } from './engine.js';
import { TENANT } from './memory-ledger.js';
import { cardOf, mailboxOf } from './world.js';

export interface Act {
  name: string;
  run: (engine: Engine) => Promise<unknown>;
}

const reason = 'Seen in the report.';
const APPROVERS = ['ann', 'bob'];

/** An expected answer is no trouble: the officer reads it and thinks again. */
export function isExpected(error: unknown): boolean {
  if (error instanceof AlreadyDone) return true;
  return error instanceof DomainError || (error as { code?: unknown }).code === '08007';
}

export function open(
  type: string,
  person: string,
  key: string,
  { card, laws: regimes } = { card: false, laws: ['eu-gdpr'] },
): Act {
  const identifiers = [mailboxOf(person), ...(card ? [cardOf(person)] : [])];
  const body = { type, regimes, subject: { identifiers }, channel: 'letter' };
  return { name: `open ${type}`, run: ({ open: slice }) => slice.execute(new OpenRequest(caller('clerk', key), body)) };
}

/** She writes once more, perhaps from elsewhere or under another law. */
export function openAgain(person: string, key: string, chance: Chance): Act {
  const type = chance.is(0.8) ? 'erasure' : 'access';
  const card = chance.is(0.4);
  return open(type, person, key, { card, laws: chance.is(0.1) ? ['eu-gdpr', 'uk-gdpr'] : ['eu-gdpr'] });
}

/** A closed request is opened once more. */
export function complain({ id }: RequestState): Act {
  const body = { reason: 'She wrote again.', cause: 'complaint' as const };
  return act('reopen', ({ course }) => course.reopen(caller('ann'), id, body));
}

/** What brings this request further; undefined when nobody but Lethe has to move. */
export function helpful(state: RequestState, person: string, now: number, chance: Chance): Act | undefined {
  const { id, status } = state;
  if (status === 'closed') return undefined;
  const unproven = !state.identifiers.some((one) => one.strength === 'verified');
  const hasCard = state.identifiers.some((one) => one.type === 'card');
  if (unproven && ['received', 'triage', 'identifying', 'deciding', 'incomplete'].includes(status)) {
    if (state.type === 'objection' || state.type === 'withdrawal') return undefined;
    const identifier = hasCard && chance.is(0.5) ? cardOf(person) : mailboxOf(person);
    const body = { identifier, method: 'attest' as const };
    return act('attest', ({ identify }) => identify.execute(new IdentifySubject(caller('ann'), id, body)));
  }
  if (hasCard && status === 'deciding' && chance.is(0.3)) {
    const body = { identifier: chance.is(0.5) ? cardOf(person) : mailboxOf(person), method: 'attest' as const };
    return act('attest', ({ identify }) => identify.execute(new IdentifySubject(caller('ann'), id, body)));
  }
  const task = state.tasks.find((one) => !one.completed);
  if (task) {
    const body = { outcome: 'done' as const, proof: 'Screenshot.' };
    return act('complete task', ({ tasks }) => tasks.complete(caller('zed'), id, task.taskId, body));
  }
  const failed = state.steps.find((step) => step.failure && !step.handled);
  if (failed && (status === 'incomplete' || chance.is(0.3))) return redrive(state, failed, chance);
  const undecided = status === 'deciding' || (status === 'incomplete' && state.steps.length === 0);
  if (undecided) return decide(state, now);
  return undefined;
}

const act = (name: string, run: Act['run']): Act => ({ name, run });

function redrive(state: RequestState, step: RequestState['steps'][number], chance: Chance): Act {
  const { id } = state;
  const { connectionId } = step;
  const choice = step.attempts > 12 ? 1 : chance.next();
  if (choice < 0.75) return act('retry', ({ tasks }) => tasks.retry(caller('ann'), id, connectionId, { reason }));
  if (choice < 0.85) return act('manual', ({ tasks }) => tasks.manual(caller('ann'), id, connectionId, { reason }));
  const by = step.acceptedBy.length === 0 ? 'yul' : 'zed';
  return act('accept', ({ tasks }) => tasks.accept(caller(by), id, connectionId, { reason }));
}

function decide(state: RequestState, now: number): Act {
  const { id, plan } = state;
  const planAgain = act('plan', ({ plan: slice }) => slice.execute(new MakePlan(caller('ann'), id, {})));
  if (!plan || state.status === 'incomplete' || Date.parse(plan.expiresAt) <= now) return planAgain;
  const { blockers, exclusions } = plan.head as unknown as PlanHead;
  const blocker = blockers[0];
  if (blocker && state.exclusions.length > exclusions.length) return planAgain;
  if (blocker) {
    const { connectionId, dataset } = blocker;
    const body = { connectionId, dataset: dataset ?? 'accounts', reason: 'Of another household member.' };
    return act('exclude', ({ exclude }) => exclude.execute(new ExcludeFromPlan(caller('ann'), id, body)));
  }
  return act('approve', ({ approve, file }) => {
    const given = state.approvals.map((one) => one.humanRef);
    const name = APPROVERS.find((one) => !given.includes(file.humanRef(TENANT, one))) ?? 'cid';
    return approve.execute(new ApproveRequest(caller(name), id, { planHash: plan.hash }));
  });
}

/** Things that an officer may do at any time, wise or not. */
export function rash(state: RequestState, chance: Chance, key: string): Act {
  const { id } = state;
  const by = caller(chance.of([...APPROVERS, 'zed']), key);
  switch (chance.below(7)) {
    case 0:
      return act('withdraw', ({ course }) => course.withdraw(by, id, { reason }));
    case 1:
      return act('refuse', ({ course }) =>
        course.refuse(by, id, { reason, exception: 'gdpr-12-5-b', resolution: 'refused' }),
      );
    case 2:
      return act('reopen', ({ course }) => course.reopen(by, id, { reason, cause: 'complaint' }));
    case 3:
      return act('plan', ({ plan }) => plan.execute(new MakePlan(by, id, {})));
    case 4:
      return act('pause', ({ course }) => course.pause(by, id, { regime: 'eu-gdpr', reason: 'identity' }));
    case 5:
      return act('extend', ({ course }) => course.extend(by, id, { regime: 'eu-gdpr', reason: 'complexity' }));
    default: {
      const connectionId = chance.of(['system-0', 'system-1', 'lethe']);
      return act('retry', ({ tasks }) => tasks.retry(by, id, connectionId, { reason }));
    }
  }
}
