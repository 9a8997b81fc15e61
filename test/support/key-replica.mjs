// A process of its own that holds keys in memory or rotates them, from the build; to be killed, frozen and watched.
// node key-replica.mjs read <vault URL> <key folder> <tenant> <sealed JSON> <place> [alone]   says `<ms> readable|<reason>` per look
// node key-replica.mjs rotate <vault URL> <key folder> <step to die after | ->              says each step
import { writeSync } from 'node:fs';
import { systemClock } from '#kernel';
import { Database } from '#ledger';
import { FileKeys } from '#platform';
import { KeyStore, rotateEpoch, Sealer } from '#subjects';

const [mode, url, folder, ...words] = process.argv.slice(2);
const keyStore = new KeyStore(new Database({ connectionString: url }), await FileKeys.open(folder), systemClock);
const say = (line) => writeSync(1, `${line}\n`);

if (mode === 'read') {
  const [tenant, sealed, place, alone] = words;
  const sealer = new Sealer(keyStore);
  // The control does not join the replicas: it keeps its key in memory, whatever happens elsewhere.
  if (alone === undefined) await keyStore.join();
  process.once('SIGTERM', () => void keyStore.onApplicationShutdown().then(() => process.exit(0)));
  for (;;) {
    const begun = Date.now();
    const opened = await sealer.open(tenant, JSON.parse(sealed), place).catch((error) => ({ reason: error.name }));
    say(`${begun} ${opened.readable ? 'readable' : opened.reason}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

await rotateEpoch(keyStore, {
  tell: (step) => {
    say(step);
    if (step === words[0]) process.kill(process.pid, 'SIGKILL');
  },
});
say('done');
process.exit(0);
