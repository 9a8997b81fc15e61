/** Loaded before the service in tests of its memory: SIGUSR2 collects garbage, so that what is left is what is held. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
process.on('SIGUSR2', () => {
  for (let round = 0; round < 3; round++) collect();
});
