/** Which method of a connector answers which operation. */
import type { Connector, Ctx, Op } from './connector.js';
import { ConnectorError } from './connector.js';
import type { CallFrame } from './protocol.js';
import type { Item, Json, Located, PersonToObey, RetentionRule, Target } from './records.js';

/** Arguments as they arrive: the host built them from its own types. */
interface Args {
  items: Item[];
  at: (Located & Target)[];
  op: Op;
  rule: RetentionRule;
  handle: Json;
  people: PersonToObey[];
  config: { [key: string]: Json };
  from: number;
  to: number;
}

/** The connector's answers to one call. Throws `ConnectorError` for an operation it does not have. */
export function answers(connector: Connector<unknown>, frame: CallFrame, x: Ctx<unknown>): AsyncIterable<unknown> {
  const args = frame.args as unknown as Args;
  switch (frame.op) {
    case 'check':
      return only(connector.check(x));
    case 'datasets':
      return connector.datasets(x);
    case 'locate':
      return connector.locate(x, args.items);
    case 'read':
      return connector.read(x, args.items, args.at);
    case 'apply':
      return connector.apply(x, args.op, args.items, args.at);
    case 'verify':
      return connector.verify(x, args.items, args.at);
    case 'horizon':
      return connector.horizon(x);
    case 'scan':
      return connector.scan?.(x, args.rule) ?? missing();
    case 'poll':
      return connector.poll?.(x, args.handle) ?? missing();
    case 'obey':
      return connector.obey?.(x, args.people) ?? missing();
    case 'migrate':
      return only(Promise.resolve(migrated(connector, args)));
  }
}

async function* only<Answer>(answer: Promise<Answer>): AsyncGenerator<Answer> {
  yield await answer;
}

/** The chain of steps from one format to another; a gap in it is the plugin's fault, never skipped. */
function migrated(connector: Connector<unknown>, { config, from, to }: Args): { config: Args['config'] } {
  let now = config;
  for (let format = from; format < to; format++) {
    const step = connector.migrate?.config?.[format];
    if (!step)
      throw new ConnectorError({ class: 'permanent', code: 'migration-missing' }, 'The plugin lacks a migration step.');
    now = step(now);
  }
  return { config: now };
}

function missing(): never {
  throw new ConnectorError({ class: 'permanent', code: 'operation-unsupported' }, 'The plugin has no such operation.');
}
