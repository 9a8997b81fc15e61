/** What must hold of every run, however chance played: the promises of the request engine, judged past it. */
import type { StoredEvent } from '#ledger';
import type { CaseFile } from '../../libs/requests/src/case-file.js';
import { foldRequest } from '../../libs/requests/src/request-evolve.js';
import type { RequestState, StepState } from '../../libs/requests/src/request-state.js';
import { requestView } from '../../libs/requests/src/reading/request-view.js';
import { LETHE_ITSELF, streamOf } from '../../libs/requests/src/request.js';
import { FINALITY } from '../../libs/requests/src/step/outcome.js';
import { TENANT } from './memory-ledger.js';
import { describe } from './describe.js';
import type { Simulation } from './simulation.js';
import { DUTY_STARTS, type Effect, type WorldRow } from './world.js';

const DUTY_ENDS = Date.parse('2026-12-31T23:00:00Z');
const nameOf = ({ system, dataset, ref }: WorldRow): string => `${system}/${dataset}/${ref}`;

/** In the middle of anything: what is open has an owner and a day, and what is Lethe's to do is being done. */
export function judgeVisibility(sim: Simulation): void {
  const { ledger, world, violations } = sim;
  const now = new Date(world.now);
  for (const state of sim.requests) {
    const view = requestView(state, now);
    if (state.status === 'closed') continue;
    if (view.owner === null || view.deadline === null) violations.push(`nobody's: ${describe(state)}`);
    if (view.owner !== 'lethe' || isUnderWay(sim, state)) continue;
    violations.push(`left lying by Lethe: ${describe(state)}`);
  }
  const broken = [...ledger.jobs.rows.values()].find(({ errorCode }) =>
    /unexpected-(Type|Range|Reference)Error/.test(errorCode ?? ''),
  );
  if (broken) violations.push(`a job of ${broken.queue} failed by a bug: ${broken.errorCode}`);
}

/** What nothing but a human lifts: no day ends it, and no file waits for it. */
const STANDING = /^(not-met:(kept-by-table-map|stripped-by-table-map|restricted)|kept)$/;

/** The case file of whatever is open, or has something left to erase one day, opens. */
export function judgeCaseFiles(sim: Simulation): void {
  for (const state of sim.requests) {
    const left = state.aftercare.some(
      ({ connectionId, dataset, done, until, ruleId }) =>
        !done && (connectionId !== LETHE_ITSELF || dataset !== 'cases') && (until !== null || !STANDING.test(ruleId)),
    );
    if (state.status === 'closed' && !left) continue;
    if (sim.vault.shredded.has(`${state.keyHolder}/case`)) sim.violations.push(`case file gone: ${describe(state)}`);
  }
}

/** When nothing is left to do in any year to come: no file or person is kept for ever, and no failure is nobody's. */
export function judgeLastYear(sim: Simulation): void {
  const known = new Set(sim.vault.people.values());
  for (const state of sim.requests) {
    if (known.has(state.subjectId)) sim.violations.push(`known for ever: ${describe(state)}`);
    if (sim.vault.keys.has(`${state.keyHolder}/case`)) sim.violations.push(`case file for ever: ${describe(state)}`);
    const events = sim.ledger.load(streamOf(state.id));
    const failed = events.findLastIndex(({ type, data }) => type === 'AftercareDone.v1' && data['kind'] === 'failed');
    const seen = events.slice(failed).some(({ type }) => ['RequestReopened.v1', 'ActingStarted.v1'].includes(type));
    if (failed >= 0 && !seen) sim.violations.push(`a failure that nobody was told of: ${describe(state)}`);
  }
}

function isUnderWay({ ledger }: Simulation, { id }: RequestState): boolean {
  if (ledger.jobs.open.some(({ dedupeKey }) => dedupeKey?.startsWith(`request/${id}/`))) return true;
  // A death that its listener has not heard of yet.
  const from = ledger.cursors.get('requests') ?? 0;
  return ledger.log
    .slice(from)
    .some(({ type, data }) => type === 'JobDied.v1' && String(data['dedupeKey']).includes(id));
}

/** When all is done. */
export async function judge(sim: Simulation, file: CaseFile): Promise<void> {
  const states = sim.requests;
  for (const state of states) {
    const events = sim.ledger.load(streamOf(state.id));
    once(sim, state, events);
    if (JSON.stringify(foldRequest(events)) !== JSON.stringify(state))
      sim.violations.push('a replay gives another state');
    if (state.status === 'closed') await judgeFulfilled(sim, state, file);
  }
  judgeEffects(sim, states);
  await judgeMerged(sim, states, file);
  await judgeHeld(sim, states, file);
  await judgeRecords(sim, states, file);
  judgePackages(sim, states);
}

/** Facts that a second worker, a repeat or a lost answer must not say twice. */
function once(sim: Simulation, state: RequestState, events: StoredEvent[]): void {
  const seen = new Set<string>();
  let round = 0;
  for (const { type, data } of events) {
    if (type === 'RequestReopened.v1' || type === 'PlanMade.v1') round += 1;
    const name = factName(type, data, round);
    if (name !== undefined && seen.has(name)) sim.violations.push(`said twice: ${name} in ${describe(state)}`);
    if (name !== undefined) seen.add(name);
  }
}

function factName(type: string, data: StoredEvent['data'], round: number): string | undefined {
  switch (type) {
    case 'StepFinished.v1':
      return `${type} ${String(data['stepId'])}`;
    case 'AftercareScheduled.v1':
      return `${type} ${String(data['stepId'])} ${String(data['dataset'])} ${JSON.stringify(data['targets'])}`;
    case 'AftercareDone.v1':
      return `${type} ${String(data['aftercareId'])}`;
    case 'TargetsKept.v1':
      return `${type} ${String(data['stepId'])} ${String(data['from'])}`;
    case 'ManualTaskCompleted.v1':
      return `${type} ${String(data['taskId'])}`;
    case 'AnswerSent.v1':
      return `${type} ${String(data['answerId'])}`;
    case 'ActingStarted.v1':
    case 'RequestClosed.v1':
      return `${type} of round ${round}`;
  }
  return undefined;
}

/** Fulfilled means: nothing of the person that was there at the last look is left, but what was lawfully kept. */
async function judgeFulfilled(sim: Simulation, state: RequestState, file: CaseFile): Promise<void> {
  if (state.type !== 'erasure' || !state.resolution?.startsWith('fulfilled') || !state.plan) return;
  const failed = state.aftercare.filter(({ done }) => done?.kind === 'failed').map(({ stepId }) => stepId);
  if (state.steps.some(({ stepId }) => failed.includes(stepId)))
    sim.violations.push(`false fulfilled: what was kept could not be erased on its day, in ${describe(state)}`);
  const { identifiers } = await file.details(TENANT, state.plan);
  for (const step of state.steps) {
    if (step.connectionId === LETHE_ITSELF || step.handled) continue;
    const kept = await keptRefs(state, step, file);
    const looked = lookedAt(sim, state, step);
    for (const row of sim.world.led(step.connectionId, identifiers)) {
      if (row.born > looked || kept.has(`${row.dataset}/${row.ref}`)) continue;
      if (row.blockedBy === 'ambiguous-identifier') continue;
      sim.violations.push(`false fulfilled: ${nameOf(row)} is left in ${describe(state)}`);
    }
  }
}

async function keptRefs(state: RequestState, step: StepState, file: CaseFile): Promise<Set<string>> {
  const targets = await file.targets(TENANT, state.id, step);
  return new Set(
    targets.flatMap(({ dataset, ref }, index) => {
      const kind = step.settled.get(index);
      return kind !== undefined && FINALITY[kind] === 'kept' ? [`${dataset}/${ref}`] : [];
    }),
  );
}

/** When the system was last read before the step's verification was recorded. */
function lookedAt(sim: Simulation, { id }: RequestState, { stepId, connectionId }: StepState): number {
  const recorded = sim.ledger
    .load(streamOf(id))
    .findLast(({ type, data }) => type === 'StepVerified.v1' && data['stepId'] === stepId);
  const position = recorded?.position ?? -1;
  const looks = sim.world.systems.get(connectionId)?.verified ?? [];
  return looks.findLast((look) => look.position <= position)?.tick ?? -1;
}

/** The planted triggers: once per effect, only hers, and nothing that the law keeps. */
export function judgeEffects(sim: Simulation, states: RequestState[]): void {
  const counts = new Map<string, number>();
  for (const effect of sim.world.effects) {
    const { row, action, during, generation, at, position, heldSince } = effect;
    const name = `${nameOf(row)} ${action} ${during} ${generation}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
    const rounds = roundsOf(sim, states, effect);
    if ((counts.get(name) ?? 0) > rounds.length) sim.violations.push(`done more than once: ${name}`);
    if (row.person === 'bystander') sim.violations.push(`a bystander's row was changed: ${name}`);
    if (row.shared && action === 'erase') sim.violations.push(`shared with others and deleted: ${name}`);
    const mapped = sim.world.systems.get(row.system)?.datasets.find((one) => one.name === row.dataset)?.action;
    if (mapped === 'strip' && ['erase', 'anonymise', 'detach'].includes(action))
      sim.violations.push(`kept by its table map and gone: ${name}`);
    if (action === 'strip') continue;
    const duty = sim.world.duties.has(`${row.system}/${row.dataset}`) && row.startsOn === DUTY_STARTS;
    if (duty && at < DUTY_ENDS) sim.violations.push(`under a duty and gone: ${name}`);
    if (row.blockedBy === 'contract-running' && action !== 'order')
      sim.violations.push(`under a contract and gone: ${name}`);
    if (heldSince !== undefined && action !== 'order' && heldSince < attemptedAt(sim, row.system, position))
      sim.violations.push(`under a hold and gone: ${name}`);
  }
}

/** When the newest attempt in the system before this position was recorded; a call that is older was made by a slower one. */
function attemptedAt(sim: Simulation, system: string, position: number): number {
  const steps = new Set(
    sim.ledger.log.flatMap(({ type, data }) => {
      if (type !== 'ActingStarted.v1') return [];
      const planned = data['steps'] as { stepId: string; connectionId: string }[];
      return planned.filter((one) => one.connectionId === system).map((one) => one.stepId);
    }),
  );
  const attempts = sim.ledger.log.filter(
    (event) => event.type === 'StepStarted.v1' && event.position < position && steps.has(String(event.data['stepId'])),
  );
  // The first of them may be the one that acts: only a hold that is older than all attempts under way is certain.
  return Math.min(...attempts.slice(-2).map(({ recordedAt }) => Date.parse(recordedAt)));
}

/** Positions at which rounds of acting for the person began. */
function roundsOf(sim: Simulation, states: RequestState[], { row }: Effect): number[] {
  const hers = new Set(states.filter((state) => sim.personOf(state) === row.person).map(({ id }) => streamOf(id)));
  return sim.ledger.log.flatMap(({ type, stream, position }) =>
    type === 'ActingStarted.v1' && hers.has(stream) ? [position] : [],
  );
}

/** A repeated request ends in an earlier one that had not begun, and in which everything is proven that was proven here. */
async function judgeMerged(sim: Simulation, states: RequestState[], file: CaseFile): Promise<void> {
  for (const state of states) {
    if (state.mergedInto === undefined || state.status !== 'closed') continue;
    const into = states.find(({ id }) => id === state.mergedInto);
    const merged = sim.ledger.load(streamOf(state.id)).find(({ type }) => type === 'RequestMerged.v1');
    const before = sim.ledger.load(streamOf(state.mergedInto)).filter(({ position }) => position < merged!.position);
    const then = foldRequest(before);
    if (!into || !then || into.subjectId !== state.subjectId || into.type !== state.type)
      sim.violations.push(`merged into another matter: ${describe(state)}`);
    if (then && (then.steps.length > 0 || then.withdrawn || ['answering', 'closed'].includes(then.status)))
      sim.violations.push(`merged into what was at work or over: ${describe(state)} into ${describe(then)}`);
    if (into && !state.regimes.every((one) => into.regimes.includes(one)))
      sim.violations.push(`merged, and a law lost: ${describe(state)}`);
    const [own, theirs] = [await provenIn(state, file), into ? await provenIn(into, file) : new Set()];
    for (const one of own)
      if (!theirs.has(one)) sim.violations.push(`merged, and not proven there: ${describe(state)}`);
  }
}

async function provenIn(state: RequestState, file: CaseFile): Promise<Set<string>> {
  const known = await file.identifiers(TENANT, state);
  return new Set(known.flatMap(({ strength, type, value }) => (strength === 'verified' ? [`${type} ${value}`] : [])));
}

/** Reasons that may end any day. */
const ENDING = ['hold', 'contract-running'];

/** What is said to stay for such a reason was there when the attempt that says so began: a row that was gone cannot stay. */
async function judgeHeld(sim: Simulation, states: RequestState[], file: CaseFile): Promise<void> {
  for (const state of states) {
    const events = sim.ledger.load(streamOf(state.id));
    for (const step of [...state.steps, ...state.formerSteps]) {
      const own = events.filter(({ data }) => data['stepId'] === step.stepId);
      const said = own.filter(
        ({ type, data }) => type === 'TargetOutcomeRecorded.v1' && ENDING.includes(String(data['reason'])),
      );
      if (said.length === 0) continue;
      const targets = await file.targets(TENANT, state.id, step);
      for (const { data, position } of said) {
        const began = own.findLast((one) => one.type === 'StepStarted.v1' && one.position < position)?.position ?? -1;
        for (const index of data['targets'] as number[]) {
          const { dataset, ref } = targets[index]!;
          const row = sim.world.find(step.connectionId, dataset, ref);
          const gone = sim.world.effects.some((one) => one.row === row && isEnd(one) && one.arrived <= began);
          if (row && gone) sim.violations.push(`said to be kept (${String(data['reason'])}), and gone: ${nameOf(row)}`);
        }
      }
    }
  }
}

const isEnd = ({ action }: Effect): boolean => !['order', 'strip', 'retain'].includes(action);

/** Whatever Lethe did to a row stands in the record as done: kept before it was acted on, settled as what it was. */
async function judgeRecords(sim: Simulation, states: RequestState[], file: CaseFile): Promise<void> {
  const done = new Set<string>();
  const listed = new Set<string>();
  for (const state of states)
    for (const step of [...state.steps, ...state.formerSteps]) {
      if (step.connectionId === LETHE_ITSELF) continue;
      const settled = !step.finished || step.handled !== undefined;
      const targets = await file.targets(TENANT, state.id, step);
      targets.forEach(({ dataset, ref }, index) => {
        const name = `${step.connectionId}/${dataset}/${ref}`;
        listed.add(name);
        if (settled || (step.settled.get(index) ?? 'not-found') !== 'not-found') done.add(name);
      });
    }
  for (const { row, action, during } of sim.world.effects) {
    const name = nameOf(row);
    if (!listed.has(name)) sim.violations.push(`acted on before it was kept: ${name} ${action}`);
    else if (during === 'step' && !done.has(name)) sim.violations.push(`done and not said: ${name} ${action}`);
  }
}

function judgePackages(sim: Simulation, states: RequestState[]): void {
  for (const state of states) {
    if (state.type !== 'access' || state.resolution !== 'fulfilled' || state.status !== 'closed') continue;
    const events = sim.ledger.load(streamOf(state.id));
    const last = (name: string): number => events.findLast(({ type }) => type === name)?.position ?? -1;
    if (last('PackageBuilt.v1') < last('ActingStarted.v1'))
      sim.violations.push(`false fulfilled: handed over what an earlier round had read, in ${describe(state)}`);
  }
  for (const [id, parts] of sim.vault.packages) {
    const state = states.find((one) => one.id === id);
    for (const name of [...parts.values()].flat()) {
      const [system, dataset, ref] = name.split('/') as [string, string, string];
      const row = sim.world.find(system, dataset, ref);
      if (state && row?.person !== sim.personOf(state))
        sim.violations.push(`another person's row in a package: ${name}`);
    }
  }
}
