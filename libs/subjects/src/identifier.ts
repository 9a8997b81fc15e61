/** Lists of identifiers, each in the one spelling that is compared, and what is hashed of them. Pure. */
import { normalise, type FieldError, type Identifier, type NormalIdentifier } from '#kernel';
import { IdentifierInvalid } from './subjects.errors.js';

export { normalise, type Identifier, type NormalIdentifier } from '#kernel';

/**
 * Version of the rules of `normalise`. It stands beside every stored keyed hash: a hash cannot be normalised again, so
 * changed rules get a new number and lookups ask for both.
 */
export const NORMALISER_VERSION = 1;

/** A normalised identifier and its place in the list that was sent. */
export interface PlacedIdentifier extends NormalIdentifier {
  index: number;
}

/** How far an identifier is known to be the person's: nothing of a claimed one leaves or is erased. */
export type Strength = 'claimed' | 'verified';

const MAX_COUNT = 20;

/**
 * Normalises a list and drops repeats. Throws `IdentifierInvalid` naming every bad one.
 * @param pointer JSON pointer of the list in the caller's body
 */
export function normaliseAll(identifiers: readonly Identifier[], pointer = '/subject/identifiers'): PlacedIdentifier[] {
  if (identifiers.length === 0) throw new IdentifierInvalid([{ pointer, code: 'identifiers-missing' }]);
  if (identifiers.length > MAX_COUNT) throw new IdentifierInvalid([{ pointer, code: 'identifiers-too-many' }]);
  const errors: FieldError[] = [];
  const known = new Map<string, PlacedIdentifier>();
  identifiers.forEach((identifier, index) => {
    const outcome = normalise(identifier);
    if (typeof outcome === 'string')
      errors.push({ pointer: `${pointer}/${index}/${outcome === 'type-invalid' ? 'type' : 'value'}`, code: outcome });
    else if (!known.has(keyOf(outcome))) known.set(keyOf(outcome), { ...outcome, index });
  });
  if (errors.length > 0) throw new IdentifierInvalid(errors);
  return [...known.values()];
}

/** What is compared and hashed: version, type and value. The type's grammar has no bar, so no two identifiers share a text. */
export function keyOf(identifier: Identifier): string {
  return `${NORMALISER_VERSION}|${identifier.type}|${identifier.value}`;
}
