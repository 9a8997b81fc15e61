/** Calls about requests, from receipt to certificate. */
import { always, scanned, withA, type Known, type Move, type Step, type Thing } from './known-things.js';

const both = ['officer', 'officer2'] as const;

/** A request that stands at one of these stages. */
const at = (stages: readonly string[], step: (request: Thing, known: Known) => Step): Move =>
  withA(
    'request',
    (one) => stages.includes(one.stage) && !one.paused,
    (request, known) => ({
      ...{ path: [request.id], otherwise: () => void (request.stage = 'unsure') },
      ...step(request, known),
    }),
  );
const reads = (more: Partial<Step> = {}): Move => withA('request', always, ({ id }) => ({ path: [id], ...more }));
const open = ['opened', 'identified', 'planned'];
const becomes =
  (request: Thing, stage: string): (() => void) =>
  () =>
    void (request.stage = stage);

const openRequest: Move = (known) => {
  if (known.all('request').filter(({ stage }) => open.includes(stage)).length > 3) return undefined;
  const type = known.pick(['access', 'erasure', 'erasure']);
  const identifier = { type: 'email', value: `${known.fresh('asks')}@example.test` };
  const body = { type, regimes: ['uk-gdpr'], subject: { identifiers: [identifier] } };
  return {
    as: known.pick(['officer', 'system']),
    body: { ...body, channel: known.pick(['mail', 'letter']) },
    learn: ({ id }) => known.put('request', { id, type, identifier, stage: 'opened', by: [] }),
  };
};

/** Where the service says that it stands. */
function seen(request: Thing, { status, plan, approvals, certificates, package: packed, targets }: Thing): void {
  const early = status === 'deciding' ? (plan ? 'planned' : 'identified') : 'opened';
  request.stage = ['triage', 'identifying', 'deciding'].includes(status)
    ? early
    : status === 'closed'
      ? 'closed'
      : 'working';
  if (approvals === 0) request.by = [];
  Object.assign(request, { hash: plan?.hash, certified: certificates.length > 0, packed: packed !== null });
  request.failing = targets.filter((one: Thing) => ['failed', 'accepted'].includes(one.status));
}

const course: Record<string, Move> = {
  openRequest,
  searchRequests: () => ({ body: { limit: 5 } }),
  // Of most requests the officer knows how they stand.
  readRequest: withA(
    'request',
    ({ stage }) => ['unsure', 'working', 'ending'].includes(stage),
    (request) => ({
      ...{ path: [request.id], learn: (answer) => seen(request, answer) },
    }),
  ),
  sendVerificationCode: at(['opened'], ({ identifier }) => ({ body: { identifier }, otherwise: () => undefined })),
  identifySubject: at(['opened'], (request) => ({
    body: { identifier: request.identifier, method: 'attest', note: 'Seen.' },
    learn: becomes(request, 'identified'),
  })),
  makePlan: at(['identified'], (request) => ({
    body: {},
    learn: ({ hash }) => Object.assign(request, { hash, stage: 'planned', by: [] }),
  })),
  readPlan: at(['planned'], () => ({})),
  excludeFromPlan: (known) => {
    const connection = known.some('connection', scanned);
    const request = known.some('request', ({ stage }) => stage === 'planned');
    if (!connection || !request) return undefined;
    const body = { connectionId: connection.id, identifierType: 'email', reason: 'Somebody else has it.' };
    return { path: [request.id], body, learn: becomes(request, 'identified'), otherwise: becomes(request, 'unsure') };
  },
  approveRequest: at(['planned'], (request, known) => {
    const as = known.pick(both.filter((one) => !request.by.includes(one)));
    const approved = (): void => {
      request.by.push(as);
      if (request.type === 'access' || request.by.length === 2) request.stage = 'working';
    };
    return { as, body: { planHash: request.hash }, learn: approved };
  }),
  refuseRequest: at(['opened', 'identified'], (request) => ({
    ...{ body: { reason: 'The fourth this week.', exception: 'uk-gdpr-12-5-b' }, learn: becomes(request, 'ending') },
  })),
  extendRequest: withA(
    'request',
    (one) => !one.extended && open.includes(one.stage),
    (request) => ({
      ...{ path: [request.id], body: { regime: 'uk-gdpr', reason: 'complexity' } },
      ...{ learn: () => void (request.extended = true), otherwise: () => void (request.extended = true) },
    }),
  ),
  pauseRequest: withA(
    'request',
    (one) => one.paused === undefined && open.includes(one.stage),
    (request) => ({
      ...{ path: [request.id], body: { regime: 'uk-gdpr', reason: 'clarification' } },
      ...{ learn: () => void (request.paused = true), otherwise: () => void (request.paused = false) },
    }),
  ),
  resumeRequest: withA(
    'request',
    (one) => one.paused,
    (request) => {
      const resumed = (): void => void (request.paused = false);
      return { path: [request.id], body: { regime: 'uk-gdpr' }, learn: resumed, otherwise: resumed };
    },
  ),
  withdrawRequest: at(open, (request) => ({ body: { reason: 'He says so.' }, learn: becomes(request, 'ending') })),
  reopenRequest: at(['closed'], (request) => ({
    body: { reason: 'She wrote again.', cause: 'complaint' },
    learn: becomes(request, 'unsure'),
  })),
};

/** Who may say that the work is done: nobody who ordered it. */
const other = (request: Thing, known: Known): Partial<Step> | undefined => {
  const free = both.filter((one) => !request.by.includes(one));
  const third = known.some('officer-key');
  return free.length > 0 ? { as: free[0]! } : third && { key: third.key };
};
const target =
  (settled: string): Move =>
  (known) => {
    const request = known.some('request', (one) => one.failing?.some((it: Thing) => it.status !== settled));
    if (!request) return undefined;
    const { connectionId } = request.failing.find((it: Thing) => it.status !== settled);
    const decided = (): void => void (request.failing = []);
    return { path: [request.id, connectionId], body: { reason: 'They say so.' }, learn: decided, otherwise: decided };
  };

const work: Record<string, Move> = {
  listRequestTasks: at(['working'], (request, known) => ({
    learn: ({ items }) => {
      for (const { id, status } of items)
        if (status === 'open' && !known.all('request-task').some((one) => one.id === id))
          known.put('request-task', { id, request });
    },
  })),
  completeRequestTask: (known) => {
    const task = known.some('request-task', (one) => other(one.request, known) !== undefined);
    if (!task) return undefined;
    const done = (): void => known.drop('request-task', task);
    const body = { outcome: 'nothing-found', proof: 'Looked.' };
    return { path: [task.request.id, task.id], body, learn: done, otherwise: done, ...other(task.request, known) };
  },
  retryRequestTarget: target('accepted'),
  acceptRequestTarget: target('accepted'),
  handleRequestTargetManually: target(''),
  listAnswers: withA('request', always, (request) => ({
    ...{ path: [request.id], learn: ({ items }) => void (request.answered = items.length > 0) },
  })),
  writeAnswer: at(open, () => ({ body: { kind: 'identity-question' }, otherwise: () => undefined })),
  previewAnswer: reads({ query: '?kind=acknowledgement' }),
  getAnswer: withA(
    'request',
    (one) => one.answered,
    ({ id }) => ({ path: [id, '1'] }),
  ),
  getCertificate: withA(
    'request',
    (one) => one.certified,
    ({ id }) => ({ path: [id] }),
  ),
  getPackage: withA(
    'request',
    (one) => one.packed,
    ({ id }) => ({ path: [id] }),
  ),
};

export const movesOfRequests: Record<string, Move> = { ...course, ...work };
