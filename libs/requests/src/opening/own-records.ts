/** Lethe itself as a system: what it knows of the person, what of it goes at once, and what the law keeps for a while. */
import { Injectable } from '@nestjs/common';
import type { SubjectId, TenantId } from '#kernel';
import { keyClasses, People, Subjects, type KeyClass } from '#subjects';
import type { Identifier } from '../step/connected.js';
import type { ChainedIdentifier } from '../plan/locate-person.js';
import { LETHE_ITSELF } from '../request.js';

/** Datasets of Lethe, one per class of key (practice, section 1 rule 2), in the order of `keyClasses`. */
export const OWN_DATASETS = [
  { name: 'identity', title: 'Identifiers of the person', keyClass: 'identity', citation: null },
  { name: 'consent-records', title: 'Consent evidence', keyClass: 'consent', citation: 'GDPR art. 7(1), 17(3)(e)' },
  { name: 'access-log', title: 'Access evidence', keyClass: 'access', citation: 'GDPR art. 5(2), 17(3)(e)' },
  { name: 'cases', title: 'Case file of this request', keyClass: 'case', citation: 'GDPR art. 5(2), 17(3)(e)' },
] as const satisfies readonly { name: string; title: string; keyClass: KeyClass; citation: string | null }[];

/** Who the proven identifiers lead to here. `ambiguous`: to people that are not linked, so nobody can say whose the records are. */
export interface OwnPerson {
  subjects: SubjectId[];
  ambiguous: boolean;
  /** Verified before, on other occasions: handed on with their edge. */
  proven: ChainedIdentifier[];
  claimed: Identifier[];
  restrictedBy: string | undefined;
}

/** GDPR 18(1)(b) and (c): the data must stay although they could go. */
const KEEPING: readonly string[] = ['unlawful-processing', 'claims'];

@Injectable()
export class OwnRecords {
  constructor(
    private readonly subjects: Subjects,
    private readonly people: People,
  ) {}

  /** Everybody who holds one of the identifiers, linked people as one. */
  everybody(tenant: TenantId, identifiers: readonly Identifier[]): Promise<SubjectId[]> {
    return this.subjects.lookup(tenant, identifiers);
  }

  async personOf(tenant: TenantId, verified: readonly Identifier[]): Promise<OwnPerson> {
    const nobody: OwnPerson = { subjects: [], ambiguous: false, proven: [], claimed: [], restrictedBy: undefined };
    if (verified.length === 0) return nobody;
    const found = await this.subjects.lookup(tenant, verified);
    if (found.length > 1) return { ...nobody, ambiguous: true };
    const [subject] = found;
    const person = subject && (await this.people.find(tenant, subject));
    if (!person) return nobody;
    const known = (await Promise.all(person.aliases.map((alias) => this.people.identifiersOf(tenant, alias)))).flat();
    const readable = known.flatMap(({ value, ...one }) => (value === undefined ? [] : [{ ...one, value }]));
    return {
      subjects: person.aliases,
      ambiguous: false,
      proven: readable
        .filter((one) => one.strength === 'verified')
        .map(({ id, type, value }) => ({
          type,
          value,
          strength: 'derived',
          edge: { connectionId: LETHE_ITSELF, dataset: 'identity', ref: id, depth: 1 },
        })),
      claimed: readable.filter((one) => one.strength === 'claimed').map(({ type, value }) => ({ type, value })),
      restrictedBy: person.restrictions.find((one) => KEEPING.includes(one.ground))?.ground,
    };
  }
}

/** Class of key behind a dataset of Lethe. */
export function keyClassOf(dataset: string): KeyClass | undefined {
  return OWN_DATASETS.find((one) => one.name === dataset)?.keyClass ?? keyClasses.find((one) => one === dataset);
}
