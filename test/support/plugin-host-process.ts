// A host in a process of its own, for the spec that kills it: calls two plugins and prints their process ids.
import { systemClock } from '../../libs/kernel/src/index.js';
import { PluginHost } from '../../libs/connectors/src/plugin-host.js';
import type { RunningConnection } from '../../libs/connectors/src/process-pool.js';

const [runner = '', connections = '[]'] = process.argv.slice(2);
const [idle, loop] = JSON.parse(connections) as [RunningConnection, RunningConnection];
const host = new PluginHost({ clock: systemClock, runner });
const check = await host.check(idle);
const looping = host.locate(loop, [{ itemKey: 'i', generation: 1, ids: [] }]);
const first = await looping.next();
process.stdout.write(JSON.stringify([Number(check.ok ? check.account : 0), Number(first.value?.ref)]));
await looping.next();
