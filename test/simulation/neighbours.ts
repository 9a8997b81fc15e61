/** Simulation ports: keys, people, rules, answers and packages in memory. Sealing and keyed hashes are the real ones. */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { newId, type SubjectId, type TenantId } from '#kernel';
import type { NewEvent } from '#ledger';
import { type CaseFile } from '../../libs/requests/src/case-file.js';
import type { KeyProvider } from '#platform';
import { SubjectErased } from '#subjects';
import type {
  FoundKey,
  Identifier,
  KeyClass,
  KeyStore,
  People,
  PreparedSubject,
  Subjects,
  Suppressions,
} from '#subjects';
import type { DutyFact, HoldFact } from '../../libs/requests/src/plan/decision.js';
import {
  AnswerWriter,
  CertificateIssuer,
  OwnErasure,
  PackageBuilder,
  WithdrawalPort,
  type StepRecords,
} from '../../libs/requests/src/ports.js';
import type { RequestState } from '../../libs/requests/src/request-state.js';
import { fact, notePlace, type AnswerKind } from '../../libs/requests/src/request.js';
import { answerIdOf } from '../../libs/requests/src/answer/answer-writer.js';
import {
  ConnectedSystems,
  KeepingRules,
  type ConnectedSystem,
} from '../../libs/requests/src/step/connected-systems.js';
import type { Machine } from './machine.js';
import type { World } from './world.js';

/** What of Lethe outlives a crash beside the ledger. */
export class Vault {
  readonly keys = new Map<string, KeyObject>();
  readonly shredded = new Set<string>();
  /** Identifier to person, as `type value`. */
  readonly people = new Map<string, SubjectId>();
  /** Whom a person's id stood for; known to the test alone. */
  readonly owners = new Map<string, string>();
  readonly suppressed = new Set<string>();
  /** Rows that went into a package, by request and step. */
  readonly packages = new Map<string, Map<string, string[]>>();
  readonly stopped = new Set<string>();
}

export function memoryKeys(vault: Vault): KeyStore {
  const name = (subject: SubjectId, keyClass: KeyClass): string => `${subject}/${keyClass}`;
  const find = async (_: TenantId, subject: SubjectId, keyClass: KeyClass): Promise<FoundKey> => {
    const key = vault.keys.get(name(subject, keyClass));
    return key ? { key } : { missing: vault.shredded.has(name(subject, keyClass)) ? 'shredded' : 'none' };
  };
  const keyFor = async (_: TenantId, subject: SubjectId, keyClass: KeyClass): Promise<KeyObject> => {
    const known = vault.keys.get(name(subject, keyClass));
    if (known) return known;
    if (vault.shredded.has(name(subject, keyClass))) throw new SubjectErased();
    const key = createSecretKey(Buffer.alloc(32, vault.keys.size + 1));
    vault.keys.set(name(subject, keyClass), key);
    return key;
  };
  return { find, keyFor, begin: async () => undefined } as unknown as KeyStore;
}

/** Keyed hashes alone; the simulation signs nothing. */
export const memoryKeyProvider = {
  mac: (tenant: TenantId, use: string, data: string | Buffer) =>
    createHmac('sha256', `${tenant}/${use}`).update(data).digest(),
} as unknown as KeyProvider;

const identifierName = ({ type, value }: Identifier): string => `${type} ${value}`;

export function memorySubjects(vault: Vault, machine: Machine): Subjects {
  const lookup = async (_: TenantId, identifiers: readonly Identifier[]): Promise<SubjectId[]> => {
    await machine.read('lookup');
    return [...new Set(identifiers.flatMap((one) => vault.people.get(identifierName(one)) ?? []))];
  };
  const record = async (
    tenant: TenantId,
    identifiers: readonly Identifier[],
    _: object,
    append: (who: PreparedSubject) => Promise<unknown>,
  ): Promise<unknown> => {
    await lookup(tenant, identifiers);
    // Registered in one go, as by the real ones: whoever comes at the same moment meets the same person.
    const known = identifiers.flatMap((one) => vault.people.get(identifierName(one)) ?? [])[0];
    const subject = known ?? (newId() as SubjectId);
    vault.owners.set(subject, identifiers[0]!.value.split('@')[0]!);
    for (const one of identifiers)
      if (!vault.people.has(identifierName(one))) vault.people.set(identifierName(one), subject);
    const done = await append({ subject, isNew: !known, events: [], rows: [], matches: [], unlinked: [], added: [] });
    return done;
  };
  return { lookup, record } as unknown as Subjects;
}

export const memoryPeople = {
  find: async (_: TenantId, subject: SubjectId) => ({ aliases: [subject], status: 'active', restrictions: [] }),
  identifiersOf: async () => [],
} as unknown as People;

export function memorySuppressions(vault: Vault, machine: Machine): Suppressions {
  const suppress: Suppressions['suppress'] = async (_, identifiers, { scope }) => {
    await machine.write('suppress', () => {
      for (const one of identifiers) vault.suppressed.add(`${identifierName(one)} ${JSON.stringify(scope)}`);
    });
  };
  return { suppress } as unknown as Suppressions;
}

export class WorldErasure extends OwnErasure {
  constructor(
    private readonly vault: Vault,
    private readonly machine: Machine,
  ) {
    super();
  }

  async erase(_: TenantId, subject: SubjectId, classes: readonly KeyClass[]): Promise<void> {
    await this.machine.write('shred', () => {
      for (const one of classes) {
        this.vault.keys.delete(`${subject}/${one}`);
        this.vault.shredded.add(`${subject}/${one}`);
      }
    });
    if (classes.includes('identity'))
      await this.machine.write('forget', () => {
        for (const [name, known] of this.vault.people) if (known === subject) this.vault.people.delete(name);
      });
  }

  async eraseFile(_: TenantId, keyHolder: SubjectId): Promise<void> {
    await this.machine.write('shred', () => {
      this.vault.keys.delete(`${keyHolder}/case`);
      this.vault.shredded.add(`${keyHolder}/case`);
    });
  }

  /** Nobody is known here but by requests. */
  override async isKnown(): Promise<boolean> {
    return false;
  }

  async isReadable(_: TenantId, subject: SubjectId): Promise<boolean> {
    return this.vault.keys.has(`${subject}/identity`) || [...this.vault.people.values()].includes(subject);
  }

  async horizon(): Promise<null> {
    return null;
  }
}

export class WorldConnected extends ConnectedSystems {
  constructor(private readonly world: World) {
    super();
  }

  async enabled(): Promise<ConnectedSystem[]> {
    return [...this.world.systems.values()].map(({ id, datasets }) => ({
      ...{ id, name: id, pluginId: 'simulated', pluginVersion: '1.0.0', contentHash: 'hash', configVersion: 1 },
      ...{ role: 'own', legalEntity: 'Shop', country: 'DE', isolation: 'process', status: 'enabled' },
      datasets: datasets.map(({ name, action }) => ({
        ...{ name, title: name, categories: [], fields: [], refs: [], shared: name === 'invoices', action },
        ...{ stripFields: action === 'strip' ? ['email'] : [], schemaHash: `schema-${name}` },
      })),
    }));
  }

  async find(_: TenantId, id: string): Promise<ConnectedSystem | undefined> {
    return (await this.enabled()).find((one) => one.id === id);
  }

  async unsearchable(): Promise<[]> {
    return [];
  }
}

export class WorldRules extends KeepingRules {
  constructor(private readonly world: World) {
    super();
  }

  async hold(
    _: TenantId,
    { connectionId, dataset }: { connectionId: string; dataset: string },
  ): Promise<HoldFact | undefined> {
    const hold = this.world.holds.get(`${connectionId}/${dataset}`);
    return hold && { id: hold.id, ground: 'GDPR art. 17(3)(e)', reviewOn: null };
  }

  async isNamed(): Promise<boolean> {
    return false;
  }

  async duty(_: TenantId, connectionId: string, dataset: string): Promise<DutyFact | undefined> {
    if (!this.world.duties.has(`${connectionId}/${dataset}`)) return undefined;
    return { ruleId: 'de-invoice', dutyId: 'de-invoice', citation: '§ 14b UStG', stripFields: ['email'] };
  }
}

/** Mail may be down, and may have left although nobody heard of it. */
export class WorldAnswers extends AnswerWriter {
  constructor(
    private readonly world: World,
    private readonly machine: Machine,
    private readonly file: CaseFile,
  ) {
    super();
  }

  async write(tenant: TenantId, request: RequestState, kind: AnswerKind, key: string): Promise<NewEvent[]> {
    const answerId = answerIdOf(tenant, key);
    if (request.answers.some((one) => one.answerId === answerId)) return [];
    await this.machine.park('mail');
    if (this.world.now < this.world.mailDownUntil) throw new Error('no mail server');
    this.world.mails.set(answerId, (this.world.mails.get(answerId) ?? 0) + 1);
    if (this.world.stormy && this.world.chance.is(0.05)) throw new Error('the mail server said nothing');
    const content = await this.file.seal(tenant, request, kind, notePlace(request.id, `answer/${answerId}`));
    return [fact('AnswerSent.v1', { requestId: request.id, answerId, kind, channel: 'mail', content })];
  }
}

export class WorldCertificates extends CertificateIssuer {
  async issue(_: TenantId, request: RequestState): Promise<NewEvent[]> {
    const done = request.aftercare.map((care) => care.done?.kind ?? 'open').join();
    const basis = `${request.resolution} ${request.steps.map(({ stepId }) => stepId).join()} ${done}`;
    if (request.certificates.at(-1)?.hash === basis) return [];
    const version = request.certificates.length + 1;
    const supersedes = request.certificates.at(-1)?.certificateId ?? null;
    const hash = { hash: basis, bodySha256: basis };
    return [
      fact('CertificateIssued.v1', { requestId: request.id, certificateId: newId(), version, ...hash, supersedes }),
    ];
  }
}

export class WorldPackages extends PackageBuilder {
  constructor(
    private readonly vault: Vault,
    private readonly machine: Machine,
  ) {
    super();
  }

  async collect(_: TenantId, request: RequestState, step: StepRecords): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    const refs: string[] = [];
    for await (const { dataset, ref } of step.records) {
      counts[dataset] = (counts[dataset] ?? 0) + 1;
      refs.push(`${step.connectionId}/${dataset}/${ref}`);
    }
    await this.machine.write('collect', () => {
      const parts = this.vault.packages.get(request.id) ?? new Map<string, string[]>();
      this.vault.packages.set(request.id, parts.set(step.stepId, refs));
    });
    return counts;
  }

  async lost(): Promise<[]> {
    return [];
  }

  async build(_: TenantId, request: RequestState): Promise<NewEvent[]> {
    await this.machine.read('build');
    const records = [...(this.vault.packages.get(request.id)?.values() ?? [])].flat().length;
    const expiresAt = '2027-01-01T00:00:00Z';
    return [
      fact('PackageBuilt.v1', { requestId: request.id, packageId: newId(), manifestHash: 'hash', records, expiresAt }),
    ];
  }
}

export class WorldWithdrawals extends WithdrawalPort {
  constructor(
    private readonly vault: Vault,
    private readonly machine: Machine,
  ) {
    super();
  }

  async assertStoppable(): Promise<void> {}

  async stop({ subject }: { subject: SubjectId }): Promise<{ stopped: number }> {
    await this.machine.write('stop', () => this.vault.stopped.add(subject));
    return { stopped: 1 };
  }
}
