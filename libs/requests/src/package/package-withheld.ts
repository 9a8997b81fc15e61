/** Values that must never be handed out, though the person must learn that they are held. Pure. */
import type { RegimeId } from '#law';
import type { Json } from '../step/connected.js';

/** A type of value and how its field is called in real systems. */
interface WithheldRule {
  type: string;
  field: RegExp;
  citation: string;
}

const citation = '11 CCR 7024(d)';

/** Names are compared in lower case with everything but letters and digits taken out: `SSN_last` is `ssnlast`. */
const RULES: readonly WithheldRule[] = [
  { type: 'social security number', field: /^(ssn|socialsecurity|socialinsurance|taxpayerid|itin)/, citation },
  {
    type: 'driver license or other government number',
    field: /(driver(s)?licen[cs]e|passportn|govid|governmentid|idcardn|nationalid)/,
    citation,
  },
  {
    type: 'financial account number',
    field: /(iban$|^iban|bankaccountn|accountnumber|creditcard|cardnumber|^pan$|routingnumber)/,
    citation,
  },
  {
    type: 'health insurance or medical number',
    field: /(healthinsurance(n|id)|insuranceid|medicalrecordn|medicalid|^mrn$)/,
    citation,
  },
  { type: 'account password', field: /(password|passwd|passphrase|^pwd|pwdhash|^pincode$|^pin$)/, citation },
  { type: 'security question or answer', field: /(security|secret)(question|answer)/, citation },
  { type: 'biometric data', field: /(fingerprint|faceprint|voiceprint|irisscan|biometric)/, citation },
];

/** What is withheld of a value in place of the value itself. */
export const withheldMark = (type: string): string =>
  `[withheld: ${type} is held, but must not be disclosed (${citation})]`;

/** The rule for a field under these laws; California alone knows the ban. */
export function withheldType(field: string, regimes: readonly RegimeId[]): string | undefined {
  if (!regimes.includes('us-ca')) return undefined;
  const name = field.toLowerCase().replace(/[^a-z0-9]/g, '');
  return RULES.find((rule) => rule.field.test(name))?.type;
}

/** The fields with what must not be disclosed replaced by its type, also inside nested values. `types`: by field. */
export function withhold(
  fields: Record<string, Json>,
  regimes: readonly RegimeId[],
): { fields: Record<string, Json>; types: Map<string, string> } {
  const types = new Map<string, string>();
  const clean = (name: string, value: Json): Json => {
    const type = withheldType(name, regimes);
    if (type === undefined || value === null) return inside(value);
    types.set(name, type);
    return withheldMark(type);
  };
  const inside = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(inside);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, clean(name, one)]));
  };
  return { fields: inside(fields) as Record<string, Json>, types };
}
