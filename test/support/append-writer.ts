/**
 * A process that appends with eight writers until it is killed, and says what was acknowledged, one line each:
 * `<id> <position>`. A writer repeats an append whose outcome it does not know, with the same idempotency key.
 */
import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { newId, systemClock, type TenantId } from '#kernel';
import { AlreadyDone, Database, declareEvents, EventStore } from '#ledger';

const WRITERS = 8;

declareEvents('Counted.v1');
const [url = '', tenant = ''] = process.argv.slice(2);
const store = new EventStore(new Database({ connectionString: url }), systemClock);

async function appendOnce(id: string): Promise<number> {
  const hash = createHash('sha256').update(id).digest();
  try {
    const { lastPosition } = await store.append({
      tenant: tenant as TenantId,
      actorRef: 'staff-1',
      events: [{ stream: `id/${id}`, type: 'Counted.v1', data: { id } }],
      expect: { [`id/${id}`]: 0 },
      idempotency: { key: hash, fingerprint: hash },
      respond: (at) => ({ status: 201, body: { position: at.lastPosition } }),
    });
    return lastPosition;
  } catch (error) {
    if (error instanceof AlreadyDone) return Number(error.body['position']);
    await new Promise((resolve) => setTimeout(resolve, 50));
    return appendOnce(id);
  }
}

async function write(): Promise<never> {
  for (;;) {
    const id = newId();
    const position = await appendOnce(id);
    // Synchronous: what was said must not wait in this process when it is killed.
    writeSync(1, `${id} ${position}\n`);
  }
}

void Promise.all(Array.from({ length: WRITERS }, write));
