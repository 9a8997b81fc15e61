/** What people do with requests of one tenant: the clerk opens, the officer named decides. */
import { Caller, type Principal } from '#platform';
import { CourseOfRequest } from '../../libs/requests/src/course/course-of-request.js';
import { IdentifySubject, IdentifySubjectHandler } from '../../libs/requests/src/identify/identify-subject.js';
import { VerificationCodes } from '../../libs/requests/src/identify/verification-codes.js';
import { ManualTasks } from '../../libs/requests/src/manual-tasks.js';
import { Intake } from '../../libs/requests/src/opening/intake.js';
import { OpenRequest, OpenRequestHandler } from '../../libs/requests/src/opening/open-request.js';
import { SimilarRequests } from '../../libs/requests/src/opening/similar-requests.js';
import { ApproveRequest, ApproveRequestHandler } from '../../libs/requests/src/plan/approve-request.js';
import { ExcludeFromPlan, ExcludeFromPlanHandler } from '../../libs/requests/src/plan/exclude-from-plan.js';
import { MakePlan, MakePlanHandler } from '../../libs/requests/src/plan/make-plan.js';
import type { PlanView } from '../../libs/requests/src/plan/plan-view.js';
import { ReadRequest } from '../../libs/requests/src/reading/read-request.js';
import type { RequestView } from '../../libs/requests/src/reading/request-view.js';
import { SearchRequests } from '../../libs/requests/src/reading/search-requests.js';
import type { Engine, Setting } from './request-engine.js';

type Kind = 'human' | 'system';

export function deskOf({ base, clock, tenant, ports }: Setting, { requests, file, plans, stop, rule }: Engine) {
  const { keys, subjects } = base;
  const { database } = base.ledger;
  const codes = new VerificationCodes(database, keys, clock);
  const home = { name: 'Shop', mode: 'test', territory: 'DE-BE', timeZone: 'Europe/Berlin' };
  const intake = new Intake({ get: async () => ({ ...home, id: tenant, logId: tenant }) } as never, clock);
  const open = new OpenRequestHandler(requests, subjects, file, intake, stop);
  const identify = new IdentifySubjectHandler(requests, file, codes, new SimilarRequests(database), clock);
  const plan = new MakePlanHandler(requests, plans, file, clock);
  const approve = new ApproveRequestHandler(requests, plans, file, rule, clock);
  const exclude = new ExcludeFromPlanHandler(requests, file, ports.connected);
  const list = new SearchRequests(database, subjects, keys);
  const reads = new ReadRequest(requests, file, clock);
  const by = (name: string, kind: Kind = 'human'): Caller => {
    const principal: Principal = {
      kind,
      id: name,
      tenant,
      mode: 'test',
      roles: kind === 'human' ? ['privacy-officer'] : ['system'],
      scopes: [],
      actorRef: `member:${name}`,
      ...(kind === 'human' ? { humanId: name, vouched: true } : {}),
    };
    return new Caller(principal);
  };
  const view = (id: string): Promise<RequestView> => reads.request(by('reader'), id);
  const proven = (id: string, body: IdentifySubject['body']) =>
    identify.execute(new IdentifySubject(by('officer'), id, body));
  /** The view once it is as asked for, or as it is when patience ends. */
  const until = async (
    id: string,
    reached: (view: RequestView) => boolean,
    milliseconds = 25_000,
  ): Promise<RequestView> => {
    const end = Date.now() + milliseconds;
    for (;;) {
      const now = await view(id);
      if (reached(now) || Date.now() > end) return now;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return {
    ...{ codes, by, view, until },
    tasks: new ManualTasks(requests, file, rule, database, clock),
    course: new CourseOfRequest(requests, file, clock),
    search: (filter: Parameters<SearchRequests['page']>[1]): ReturnType<SearchRequests['page']> =>
      list.page(by('reader'), filter),
    planOf: (id: string): Promise<PlanView> => reads.plan(by('reader'), id),
    /** The same while the clock goes on by so much at every look. */
    untilLater: (id: string, reached: (view: RequestView) => boolean, byMs: number): Promise<RequestView> =>
      until(id, (now) => (clock.advance(byMs), reached(now))),
    open: (type: string, value: string, extra: object = {}) => {
      const subject = { identifiers: [{ type: 'email', value }] };
      const letter = { type, regimes: ['eu-gdpr'], subject, channel: 'letter' };
      return open.execute(new OpenRequest(by('clerk'), { ...letter, ...extra }));
    },
    attest: (id: string, type: string, value: string) =>
      proven(id, { identifier: { type, value }, method: 'attest', note: 'Called back.', add: true }),
    prove: (id: string, value: string, code: string) =>
      proven(id, { identifier: { type: 'email', value }, method: 'code', code }),
    plan: (id: string) => plan.execute(new MakePlan(by('officer'), id, {})),
    approve: (id: string, planHash: string, name: string, kind: Kind = 'human') =>
      approve.execute(new ApproveRequest(by(name, kind), id, { planHash })),
    exclude: (id: string, body: { connectionId: string; dataset?: string; identifierType?: string; ref?: string }) =>
      exclude.execute(new ExcludeFromPlan(by('officer'), id, { ...body, reason: 'another household member' })),
  };
}
