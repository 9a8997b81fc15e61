/** Entry of the service: `npm start`. */
import 'reflect-metadata';
import { processEnvironment, readConfig } from '#platform';
import { startServer } from './server.js';

const config = readConfig(processEnvironment());
const server = await startServer(config, { docs: true, say: (line) => process.stdout.write(`  ${line}\n`) });
process.stdout.write(`Lethe is ready at ${server.baseUrl}\n`);

let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    server.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
}
