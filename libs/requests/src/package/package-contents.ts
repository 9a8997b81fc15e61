/** What goes into a package: every collected record as tables, Lethe's own data, the information, what was left out. */
import { Injectable } from '@nestjs/common';
import { CaseFile } from '../case-file.js';
import { headOf } from '../answer/answer-outcomes.js';
import type { PackageOwner } from './package-folder.js';
import { informationOf, type InformationItem } from './package-information.js';
import { PackageOwn } from './package-own.js';
import { PackageParts, type PartIndex } from './package-parts.js';
import { PackageRegister } from './package-register.js';
import { pathPart, type PackageTable } from './package-tables.js';
import { packagePartsMissing } from './package.errors.js';
import type { RequestState, StepState } from '../request-state.js';

/** A system that no connector searched or that could not be read, and what came of it. */
export interface NotSearched {
  name: string;
  why: string;
  outcome: 'done' | 'nothing-found' | 'open';
}

/** A field whose values are held, but must not be handed out. */
export interface Withheld {
  system: string;
  dataset: string;
  field: string;
  type: string;
}

export interface Contents {
  controller: string;
  tables: PackageTable[];
  information: InformationItem[];
  notSearched: NotSearched[];
  withheld: Withheld[];
}

@Injectable()
export class PackageContents {
  constructor(
    private readonly parts: PackageParts,
    private readonly own: PackageOwn,
    private readonly register: PackageRegister,
    private readonly file: CaseFile,
  ) {}

  async gather(owner: PackageOwner, state: RequestState): Promise<Contents> {
    const facts = await this.register.factsFor(owner.tenant, state);
    const identifiers = await this.file.identifiers(owner.tenant, state);
    const verified = identifiers.filter((one) => one.strength === 'verified');
    const collected = (await Promise.all(state.steps.map((step) => this.collectedBy(owner, step)))).flat();
    const own = await this.own.tables(
      owner.tenant,
      verified.map(({ type, value }) => ({ type, value })),
    );
    return {
      controller: facts.controller,
      tables: [...this.tables(owner, state, collected), ...own],
      information: informationOf(facts),
      notSearched: notSearchedOf(state),
      withheld: collected.flatMap(({ system, dataset, withheld }) =>
        Object.entries(withheld).map(([field, type]) => ({ system, dataset, field, type })),
      ),
    };
  }

  /** Finished steps of which nobody has the records any more. */
  async lost(owner: PackageOwner, { steps }: RequestState): Promise<StepState[]> {
    const indexes = await Promise.all(steps.map(({ stepId }) => this.parts.indexOf(owner, stepId)));
    return steps.filter(({ finished, handled }, at) => finished && !handled && indexes[at] === undefined);
  }

  /** A package without what a finished step has read would be taken for the whole. */
  private async collectedBy(owner: PackageOwner, { stepId, finished, handled }: StepState): Promise<PartIndex[]> {
    const index = await this.parts.indexOf(owner, stepId);
    if (index === undefined && finished && !handled) throw packagePartsMissing();
    return index ?? [];
  }

  /** Names may repeat or say nothing once made safe for a path: the number tells them apart. */
  private tables(owner: PackageOwner, state: RequestState, collected: readonly PartIndex[]): PackageTable[] {
    const stepIds = [...new Set(collected.map((part) => part.stepId))];
    return collected.map((part, at) => {
      const folder = `${stepIds.indexOf(part.stepId) + 1}-${pathPart(part.system)}`;
      return {
        path: `data/${folder}/${at + 1}-${pathPart(part.dataset)}`,
        system: part.system,
        title: titleOf(state, part),
        columns: part.columns,
        count: part.count,
        rows: () => this.rows(owner, part),
      };
    });
  }

  private async *rows(owner: PackageOwner, part: PartIndex): AsyncGenerator<Record<string, never>> {
    for await (const { fields } of this.parts.records(owner, part)) yield fields as Record<string, never>;
  }
}

function titleOf(state: RequestState, { stepId, dataset }: PartIndex): string {
  const step = state.steps.find((one) => one.stepId === stepId);
  const system = headOf(state)?.systems.find((one) => one.connectionId === step?.connectionId);
  return system?.datasets.find((one) => one.name === dataset)?.title ?? dataset;
}

/** What an officer accepted undone, or had done by hand, is missing here as what has no connector is. */
function notSearchedOf(state: RequestState): NotSearched[] {
  const head = headOf(state);
  const unread = state.steps.flatMap(({ stepId, connectionId, handled, failure }) => {
    const name = head?.systems.find((one) => one.connectionId === connectionId)?.name ?? connectionId;
    return handled ? [{ id: stepId, name, why: `could not be read: ${failure?.code ?? 'no connector'}` }] : [];
  });
  return [...(head?.unsearched ?? []), ...unread].map(({ id, name, why }) => {
    const task = state.tasks.find((one) => one.systemId === id);
    return { name, why, outcome: task?.completed?.outcome ?? 'open' };
  });
}
