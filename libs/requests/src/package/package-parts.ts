/** The records of one step, sealed on disk by dataset as they come; a repeated step replaces what came before it. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { newId } from '#kernel';
import type { RegimeId } from '#law';
import type { DataRecord, Json } from '../step/connected.js';
import { PackageFolder, PARTS, type PackageOwner } from './package-folder.js';
import { readSealed, SealedWriter } from './package-seal.js';
import { withhold } from './package-withheld.js';
import type { StepRecords } from '../ports.js';

/** One dataset of one step, as it lies on disk. No values: names of fields and counts. */
export interface PartIndex {
  stepId: string;
  system: string;
  dataset: string;
  file: string;
  count: number;
  columns: string[];
  withheld: Record<string, string>;
}

/** A record as it is kept; `ref` is the connected system's own reference. */
export interface PartRecord {
  ref: string;
  fields: Record<string, Json>;
}

/** A record of somebody else came back: nothing of the step is kept. */
export class MixedSubjects extends Error {
  override name = 'MixedSubjects';
  /** For the job: the plugin broke its contract, and trying again would not mend it. */
  readonly fail = { class: 'bug', code: 'mixed-subjects' } as const;
}

/** More than anybody's records are. */
export class PackageTooLarge extends Error {
  override name = 'PackageTooLarge';
  readonly fail = { class: 'permanent', code: 'package-too-large' } as const;
}

const MAX_STEP_BYTES = 1024 ** 3;
const INDEX = 'index.json';
const partPlace = (owner: PackageOwner, stepId: string, file: string): string =>
  `package/${owner.requestId}/${stepId}/${file}`;

interface OpenPart extends PartIndex {
  writer: SealedWriter;
  names: Set<string>;
}

@Injectable()
export class PackageParts {
  constructor(private readonly folder: PackageFolder) {}

  /** Throws `MixedSubjects` and `PackageTooLarge`, and what the reading throws; then nothing is replaced. */
  async replace(owner: PackageOwner, step: StepRecords, regimes: readonly RegimeId[]): Promise<PartIndex[]> {
    const key = await this.folder.key(owner);
    const final = this.folder.path(owner, PARTS, step.stepId);
    const draft = `${final}.${newId()}`;
    await mkdir(draft, { recursive: true, mode: 0o700 });
    const parts = new Map<string, OpenPart>();
    try {
      await this.collect(owner, step, regimes, { key, draft, parts });
      for (const { writer } of parts.values()) await writer.close();
      const index = [...parts.values()].map(({ writer: _, names, ...part }) => ({ ...part, columns: [...names] }));
      await writeFile(join(draft, INDEX), JSON.stringify(index), { mode: 0o600, flush: true });
      await rm(final, { recursive: true, force: true });
      await rename(draft, final);
      return index;
    } catch (error) {
      for (const { writer } of parts.values()) await writer.abandon();
      await rm(draft, { recursive: true, force: true });
      throw error;
    }
  }

  /** What was collected for a step; empty when its systems had nothing, undefined when nobody has collected. */
  async indexOf(owner: PackageOwner, stepId: string): Promise<PartIndex[] | undefined> {
    try {
      return JSON.parse(await readFile(this.folder.path(owner, PARTS, stepId, INDEX), 'utf8')) as PartIndex[];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** The records of a part, in the order they came. */
  async *records(owner: PackageOwner, part: PartIndex): AsyncGenerator<PartRecord> {
    const path = this.folder.path(owner, PARTS, part.stepId, part.file);
    const key = await this.folder.key(owner);
    for await (const line of linesOf(readSealed(path, key, partPlace(owner, part.stepId, part.file))))
      yield JSON.parse(line) as PartRecord;
  }

  private async collect(
    owner: PackageOwner,
    step: StepRecords,
    regimes: readonly RegimeId[],
    { key, draft, parts }: { key: Buffer; draft: string; parts: Map<string, OpenPart> },
  ): Promise<void> {
    let size = 0;
    for await (const record of step.records) {
      if (record.itemKey !== step.itemKey) throw new MixedSubjects('a record of another person came back');
      const part = parts.get(record.dataset) ?? (await this.open(owner, step, record, key, draft, parts));
      const { fields, types } = withhold(record.fields, regimes);
      for (const name of Object.keys(fields)) part.names.add(name);
      for (const [name, type] of types) part.withheld[name] = type;
      part.count += 1;
      const line = Buffer.from(`${JSON.stringify({ ref: record.ref, fields } satisfies PartRecord)}\n`);
      size += line.length;
      if (size > MAX_STEP_BYTES)
        throw new PackageTooLarge('the records of one system are larger than a package may be');
      await part.writer.write(line);
    }
  }

  private async open(
    owner: PackageOwner,
    step: StepRecords,
    { dataset }: DataRecord,
    key: Buffer,
    draft: string,
    parts: Map<string, OpenPart>,
  ): Promise<OpenPart> {
    const { stepId, connectionName: system } = step;
    const file = `${parts.size + 1}.sealed`;
    const writer = await SealedWriter.create(join(draft, file), key, partPlace(owner, stepId, file));
    const head = { stepId, system, dataset, file, count: 0, columns: [], withheld: {} };
    const part: OpenPart = { ...head, writer, names: new Set() };
    parts.set(dataset, part);
    return part;
  }
}

/** Lines by LF alone: JSON may hold the other characters that a reader of text takes for line ends. */
async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      yield rest.subarray(0, end).toString('utf8');
      rest = rest.subarray(end + 1);
    }
  }
}
