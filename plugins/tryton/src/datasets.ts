/** What the connector knows of Tryton's models: which fields hold personal data, and what an erasure leaves to strip. */
import { createHash } from 'node:crypto';
import type { Dataset, DatasetField } from '@lethe/plugin-sdk';
import { TrytonRefusal } from './rpc.js';
import type { Row, Session } from './rpc.js';

/** Tryton models the connector covers. */
export type Name =
  | 'party.party'
  | 'party.contact_mechanism'
  | 'party.address'
  | 'party.identifier'
  | 'sale.sale'
  | 'account.invoice'
  | 'ir.note'
  | 'ir.attachment'
  | 'ir.email';

/** One model. */
export interface Model {
  title: string;
  categories: string[];
  /** Fields given to the person on access. */
  fields: string[];
  /** Those of them that hold personal data and must be empty after an erasure. */
  personal: string[];
  /** Fields that lead to a party; empty for resources, which hang on any record. */
  links: string[];
  /** `wizard`: emptied by Tryton's own erase; `strip`: a business record that stays; `delete`: removed. */
  how: 'wizard' | 'strip' | 'delete';
  clockField?: string;
  /** Texts nobody may change once the document is closed. They are judged by what stands in them, not by being empty. */
  frozen?: string[];
}

// A party's `code` is Tryton's own number and survives its erase; the `code` of an identifier is a document's number.
const BUSINESS = new Set(['type', 'active', 'number', 'sale_date', 'invoice_date', 'state']);

const ADDRESS = ['party_name', 'attn', 'street_unstructured', 'street_name', 'building_name', 'building_number'];
const ORDER = ['reference', 'description', 'comment'];

/** Every dataset the connector declares, in the order an erasure takes them. */
export const MODELS: Record<Name, Model> = {
  'party.party': {
    ...model('Parties', ['name'], ['code', 'name', 'active'], 'wizard', ['id']),
    personal: ['name'],
  },
  'party.contact_mechanism': model(
    'Contact mechanisms',
    ['contact'],
    ['type', 'value', 'value_compact', 'name', 'comment'],
    'wizard',
    ['party'],
  ),
  'party.address': model('Addresses', ['address'], [...ADDRESS, 'postal_code', 'city'], 'wizard', ['party']),
  'party.identifier': model('Identifiers', ['identification'], ['type', 'code'], 'wizard', ['party']),
  'sale.sale': {
    ...model('Sales', ['orders'], ['number', 'sale_date', 'state', ...ORDER], 'strip', [
      'party',
      'invoice_party',
      'shipment_party',
    ]),
    clockField: 'sale_date',
    frozen: ['description'],
  },
  'account.invoice': {
    ...model('Invoices', ['invoices'], ['number', 'invoice_date', 'state', ...ORDER], 'strip', ['party']),
    clockField: 'invoice_date',
    frozen: ORDER,
  },
  'ir.note': model('Notes', ['free text'], ['message'], 'delete', []),
  'ir.attachment': model('Attachments', ['documents'], ['name', 'description', 'link'], 'delete', []),
  'ir.email': model('Sent mail', ['correspondence'], ['recipients', 'subject', 'body'], 'delete', []),
};

/** The names of MODELS, typed. */
export const NAMES = Object.keys(MODELS) as Name[];

function model(title: string, categories: string[], fields: string[], how: Model['how'], links: string[]): Model {
  const personal = fields.filter((field) => !BUSINESS.has(field));
  return { title, categories, fields, personal, links, how };
}

/** Declares one model as it stands on this server; undefined when its module is not activated or the user may not see it. */
export async function describe(session: Session, name: Name): Promise<Dataset<Name> | undefined> {
  const columns = await fieldsOf(session, name);
  if (columns === undefined) return undefined;
  const { title, categories, fields, personal, links, how, clockField } = MODELS[name];
  const shape = Object.entries(columns).map(([field, { type }]) => `${field}:${type}`);
  const described = fields.map((field): DatasetField => ({ name: field, personal: personal.includes(field) }));
  return {
    name,
    title,
    categories,
    fields: described.map((field) => ({ ...field, ...identifierOf(name, field.name) })),
    refs: links
      .filter((field) => field !== 'id')
      .map((field) => ({ field, to: { dataset: 'party.party', field: 'id' }, identifying: field === 'party' })),
    shared: name === 'sale.sale',
    action: how === 'strip' ? 'strip' : how === 'delete' ? 'erase' : 'anonymise',
    ...(clockField === undefined ? {} : { clockField }),
    stripFields: how === 'strip' ? personal : [],
    schemaHash: createHash('sha256').update(shape.sort().join('\n')).digest('hex'),
  };
}

function identifierOf(name: Name, field: string): Pick<DatasetField, 'identifier'> {
  if (name === 'party.party' && field === 'code')
    return { identifier: { type: 'tryton-party-code', strength: 'identifying' } };
  if (name === 'party.contact_mechanism' && field === 'value')
    return { identifier: { type: 'email', strength: 'identifying' } };
  if (name === 'party.contact_mechanism' && field === 'value_compact')
    return { identifier: { type: 'phone', strength: 'candidate' } };
  return {};
}

/** Fields of a model by name; undefined when its module is not activated. */
export async function fieldsOf(
  session: Session,
  model: string,
): Promise<Record<string, { type: string; stored: boolean }> | undefined> {
  try {
    const answer = (await session.call(`model.${model}.fields_get`, [])) as { [field: string]: Row };
    return Object.fromEntries(
      Object.entries(answer).map(([field, { type, searchable, loading }]) => [
        field,
        // What is computed from other fields is loaded lazily.
        { type: String(type), stored: searchable === true && loading === 'eager' },
      ]),
    );
  } catch (error) {
    if (error instanceof TrytonRefusal && error.kind === 'unknown-model') return undefined;
    throw error;
  }
}
