/** Sends every route of a running service its share of bad calls, and tallies what came back. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import type { ServiceProcess } from '../support/service-process.js';
import { badCallsOf, operationsOf, type OpenApi, type Operation, type WireCall } from './openapi-inputs.js';
import { complaint, isShed, Wire, type Answer } from './wire.js';

const AT_ONCE = 8;
/** A slow call is asked again alone: the machine may have been busy with other suites. Twice slow is slow. */
const SLOWEST_MS = 2_000;
const people = ['officer', 'admin', 'auditor', 'system'] as const;

/** Calls sent, and what was wrong with the answers. */
export interface Tally {
  wrong: string[];
  codes: Map<string, number>;
  routes: Map<string, number>;
  slowest: { ms: number; what: string };
  slow: { operation: Operation; call: WireCall }[];
  shed: number;
}

export const emptyTally = (): Tally => ({
  ...{ wrong: [], codes: new Map(), routes: new Map(), slowest: { ms: 0, what: '' }, slow: [], shed: 0 },
});

/** A module that the service loads before itself, for `NODE_OPTIONS`. */
export const imported = (name: string): string =>
  `--import ${pathToFileURL(join(import.meta.dirname, '../support', name)).href}`;

export class Attack {
  private readonly wire: Wire;
  private document: OpenApi = { paths: {}, components: { schemas: {} } };
  private readonly callers = new Map<string, string>();
  operations: Operation[] = [];

  constructor(
    private readonly service: ServiceProcess,
    /** A text in the inputs that no refusal may repeat. */
    private readonly canary: string,
  ) {
    this.wire = new Wire(() => service.access('officer').baseUrl, AT_ONCE);
  }

  /** Reads the document and finds a caller for each route. */
  async prepare(): Promise<void> {
    this.document = (await this.service.get('/openapi.json')).body as OpenApi;
    this.operations = operationsOf(this.document);
    for (const operation of this.operations) this.callers.set(operation.operationId, await this.callerOf(operation));
  }

  /** All routes get their calls in turns of a few, so that memory is not one route's. */
  async run(tally: Tally, perRoute: number, seed: number): Promise<void> {
    const batchSize = Math.min(perRoute, 40);
    for (let done = 0; done < perRoute; done += batchSize)
      for (const [at, operation] of this.operations.entries()) {
        const runs = { numRuns: Math.min(batchSize, perRoute - done), seed: seed + at + done * 1000 };
        const calls = fc.sample(badCallsOf(this.document, operation, this.canary), runs);
        for (let first = 0; first < calls.length; first += AT_ONCE) {
          const batch = calls.slice(first, first + AT_ONCE);
          await Promise.all(batch.map((call) => this.ask(tally, operation, call)));
        }
      }
  }

  /** Those of the slow calls that are slow when asked alone, too. */
  async slowAgain(tally: Tally): Promise<string[]> {
    const slow: string[] = [];
    for (const { operation, call } of tally.slow)
      if (((await this.send(operation, call))?.ms ?? 0) > SLOWEST_MS)
        slow.push(`${operation.operationId} ${call.fault}`);
    return slow;
  }

  /** KiB that the process holds when nobody asks anything and garbage is collected. */
  async held(): Promise<number> {
    let least = Infinity;
    for (let round = 0; round < 4; round++) {
      process.kill(this.service.pid, 'SIGUSR2');
      await sleep(400);
      const status = readFileSync(`/proc/${this.service.pid}/status`, 'utf8');
      least = Math.min(least, Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]));
    }
    return least;
  }

  close(): void {
    this.wire.close();
  }

  /** What was shed is asked again when it said: whoever comes back is served. */
  private async ask(tally: Tally, operation: Operation, call: WireCall): Promise<void> {
    const answer = await this.send(operation, call);
    this.count(tally, operation, call, answer);
    if (!answer || !isShed(answer)) return;
    await sleep(Number(answer.retryAfter) * 1000);
    this.count(tally, operation, call, await this.send(operation, call));
  }

  private send(operation: Operation, call: WireCall): Promise<Answer | undefined> {
    return this.wire.send(operation, call, this.callers.get(operation.operationId)!);
  }

  /** The first who may: the others would be refused before anything of the input is read. */
  private async callerOf(operation: Operation): Promise<string> {
    const path = operation.path.replaceAll(/\{\w+\}/g, '00000000-0000-7000-8000-000000000000');
    for (const name of people) {
      const { key } = this.service.access(name);
      const headers = { 'content-type': 'application/json' };
      const answer = await this.wire.send(operation, { path, headers, body: Buffer.from('{}'), fault: '' }, key);
      if (answer && answer.status !== 403) return key;
    }
    return this.service.access('admin').key;
  }

  private count(tally: Tally, operation: Operation, call: WireCall, answer: Answer | undefined): void {
    const { operationId } = operation;
    tally.routes.set(operationId, (tally.routes.get(operationId) ?? 0) + 1);
    const said = complaint(call, answer, this.canary);
    if (said)
      tally.wrong.push(
        `${operationId}: ${said.slice(0, 200)} <- ${call.fault} ${call.body?.subarray(0, 300).toString()}`,
      );
    if (!answer) return;
    const code = answer.status < 400 ? String(answer.status) : ((/"code":"([^"]+)"/.exec(answer.text) ?? [])[1] ?? '?');
    tally.codes.set(code, (tally.codes.get(code) ?? 0) + 1);
    if (isShed(answer)) tally.shed += 1;
    if (answer.ms > tally.slowest.ms)
      tally.slowest = { ms: answer.ms, what: `${operationId} ${answer.status} ${call.fault.slice(0, 60)}` };
    if (answer.ms > SLOWEST_MS) tally.slow.push({ operation, call });
  }
}
