/** The Tryton connector against a real Tryton: its erase, its refusals, what it leaves behind, and everybody else untouched. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import tryton from '@lethe/plugin-tryton';
import {
  all,
  changed,
  decided,
  eraseInTryton,
  openTryton,
  person,
  snapshot,
  takeWrites,
  whereStands,
  type TrytonSystem,
} from './support/tryton-system.js';

const erasure = { kind: 'erasure' } as const;
let system: TrytonSystem;

beforeAll(async () => {
  system = await openTryton();
}, 600_000);

afterAll(async () => {
  await system.close();
});

const idOf = (name: string) => system.running.parties[name]?.id ?? 0;
const saleOf = (name: string) => system.running.sales[name] ?? 0;
const residueOf = async (item: ReturnType<typeof person>, at: Awaited<ReturnType<typeof decided>>) => {
  const seen = await all(tryton.verify(system.context(), [item], at));
  return seen
    .flatMap((one) => (one.kind === 'residue' ? [`${one.dataset} ${one.ref} ${one.field} ${one.by}`] : []))
    .sort();
};

describe('tryton: account', () => {
  it('answers for the right password and refuses a wrong one as a fault of the login', async () => {
    expect(await tryton.check(system.context())).toEqual({ ok: true, account: 'lethe' });
    expect(await tryton.check(system.context('wrong'))).toMatchObject({ ok: false, error: { class: 'auth' } });
    await expect(all(tryton.locate(system.context('wrong'), [person('carol@example.test')]))).rejects.toMatchObject({
      fail: { class: 'auth', code: 'login-refused' },
    });
  });

  it('declares every dataset with its fields as they are on this server', async () => {
    const declared = await all(tryton.datasets(system.context()));
    expect(declared.map(({ name }) => name)).toEqual([
      'party.party',
      'party.contact_mechanism',
      'party.address',
      'party.identifier',
      'sale.sale',
      'account.invoice',
      'ir.note',
      'ir.attachment',
      'ir.email',
    ]);
    for (const { schemaHash } of declared) expect(schemaHash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('names logs and backups as what outlives an erasure; no dataset keeps a history here', async () => {
    const layers = (await all(tryton.horizon(system.context()))).map(({ layer }) => layer);
    expect(layers).toEqual(['log', 'backup']);
  });
});

describe('tryton: locate and read', () => {
  it('finds a person with all records, and follows neither the household address nor the shared phone', async () => {
    const located = await all(tryton.locate(system.context(), [person('CAROL@example.test')]));
    const count = (dataset: string) => located.filter((row) => row.dataset === dataset).length;
    expect(['party.party', 'party.contact_mechanism', 'party.address', 'party.identifier'].map(count)).toEqual([
      1, 3, 1, 1,
    ]);
    expect(['sale.sale', 'account.invoice', 'ir.note', 'ir.email'].map(count)).toEqual([2, 1, 2, 0]);
    expect(located.filter(({ blockedBy }) => blockedBy !== undefined)).toEqual([]);
    const found = located.flatMap((row) => row.found ?? []).map(({ type, strength }) => `${type} ${strength}`);
    expect(found.sort()).toEqual([
      'email candidate',
      'email identifying',
      'name candidate',
      'phone candidate',
      'tryton-party-code identifying',
    ]);
    const sold = located.find(({ dataset, ref }) => dataset === 'sale.sale' && ref === String(saleOf('carol-done')));
    expect(sold?.startsOn).toMatch(/^\d{4}-\d{2}-\d{2}$/);
  });

  it.each([
    ['email', 'family@example.test'],
    ['phone', '+45 20 12 34 56'],
  ])('blocks an %s that two parties carry, and shows nothing of either', async (type, value) => {
    const located = await all(tryton.locate(system.context(), [person(value, type)]));
    expect(located.map(({ ref }) => ref).sort()).toEqual([String(idOf('carol')), String(idOf('dan'))]);
    for (const row of located) expect(row).toMatchObject({ dataset: 'party.party', blockedBy: 'ambiguous-identifier' });
    expect(JSON.stringify(located)).not.toMatch(/Jensen|found/);
  });

  it('finds an inactive party, and nobody for wildcards', async () => {
    const shown = await all(tryton.locate(system.context(), [person('gerda@example.test')]));
    const setActive = async (active: boolean) => {
      await system.db.query('UPDATE party_party SET active = $2 WHERE id = $1', [idOf('gerda'), active]);
      for (const table of ['party_contact_mechanism', 'party_address', 'party_identifier'])
        await system.db.query(`UPDATE ${table} SET active = $2 WHERE party = $1`, [idOf('gerda'), active]);
    };
    await setActive(false);
    const hidden = await all(tryton.locate(system.context(), [person('gerda@example.test')]));
    await setActive(true);
    expect(hidden).toEqual(shown);
    expect(shown.length).toBeGreaterThan(6);
    for (const value of ['%@example.test', 'carol_example.test', '%'])
      expect(await all(tryton.locate(system.context(), [person(value)]))).toEqual([]);
  });

  it('gives access to the records of that person and of nobody else, without a write', async () => {
    await takeWrites(system.db);
    const item = person('carol@example.test');
    const others = await all(tryton.locate(system.context(), [person('carol.jensen@example.test')]));
    const at = await all(tryton.locate(system.context(), [item]));
    // Rows of the namesake, slipped in under this person's key, must not come out.
    const planted = others.map((row) => ({ ...row, itemKey: item.itemKey }));
    const records = await all(tryton.read(system.context(), [item], [...at, ...planted]));
    expect(records.map(({ dataset, ref }) => `${dataset} ${ref}`).sort()).toEqual(
      at.map(({ dataset, ref }) => `${dataset} ${ref}`).sort(),
    );
    const text = JSON.stringify(records);
    for (const mine of ['carol@example.test', 'Elm Street 1', 'LOY-1001', '+45 20 12 34 56', 'Left the key'])
      expect(text).toContain(mine);
    for (const notMine of ['carol.jensen@', 'Elm Street 99', 'LOY-1002', 'Dan', 'Erik'])
      expect(text).not.toContain(notMine);
    expect(await takeWrites(system.db)).toEqual({});
  });
});

describe('tryton: refusal', () => {
  it.each([
    ['erik', 'contract-running', 'pending sales'],
    ['freja', 'contract-running', 'pending sales'],
  ])('refuses %s while a sale is open, in the vendor’s words, and writes nothing', async (name, reason, words) => {
    const item = person(`${name}@example.test`);
    const targets = await decided(system.context(), item);
    expect(targets.find(({ dataset }) => dataset === 'party.party')).toMatchObject({ blockedBy: reason });
    await takeWrites(system.db);
    const outcomes = await all(tryton.apply(system.context(), erasure, [item], targets));
    expect(await takeWrites(system.db)).toEqual({});
    expect(outcomes).toHaveLength(targets.length);
    for (const outcome of outcomes) expect(outcome.kind).toBe('refused-by-system');
    const told = JSON.stringify([
      targets.map(({ blockedMessage }) => blockedMessage),
      outcomes.map((one) => ({ ...one, itemKey: '' })),
    ]);
    expect(told).toContain(words);
    expect(told).not.toMatch(/Erik|Holm|Freja|Lund|Example Shop/);
  });

  it('takes the deactivation back when only the wizard itself knows why not', async () => {
    const item = person('ida@example.test');
    const before = await snapshot(system.db);
    const targets = await decided(system.context(), item);
    expect(targets.filter(({ blockedBy }) => blockedBy !== undefined)).toEqual([]);
    const outcomes = await all(tryton.apply(system.context(), erasure, [item], targets));
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({
        kind: 'refused-by-system',
        message: 'You cannot erase the party while they have pending shipments.',
      });
    const { rows } = await system.db.query('SELECT active, name FROM party_party WHERE id = $1', [idOf('ida')]);
    expect(rows).toEqual([{ active: true, name: 'Ida Bruun' }]);
    expect(changed(before, await snapshot(system.db))).toEqual([`party_party ${idOf('ida')}`]);
    await expect(eraseInTryton(system.running, idOf('ida'))).rejects.toThrow('Ida Bruun');
  });

  it('leaves alone a record that leads to somebody else by now', async () => {
    const item = person('gerda@example.test');
    const others = (await decided(system.context(), person('carol@example.test'))).map((row) => ({
      ...row,
      itemKey: item.itemKey,
    }));
    await takeWrites(system.db);
    const outcomes = await all(tryton.apply(system.context(), erasure, [item], others));
    expect(outcomes).toHaveLength(others.length);
    for (const outcome of outcomes) expect(outcome).toMatchObject({ kind: 'not-found', note: 'changed-hands' });
    expect(await takeWrites(system.db)).toEqual({});
  });
});

describe('tryton: erasure', () => {
  it('erases a person with a closed sale so that no text of the whole database names them', async () => {
    const item = person('gerda@example.test');
    const before = await snapshot(system.db);
    expect(await whereStands(system.db, 'gerda@example.test')).toEqual([
      'ir_note.message',
      'party_contact_mechanism.value',
      'party_contact_mechanism.value_compact',
      'sale_sale.description',
      'sale_sale.reference',
    ]);
    const targets = await decided(system.context(), item);
    await takeWrites(system.db);
    const outcomes = await all(tryton.apply(system.context(), erasure, [item], targets));
    const writes = await takeWrites(system.db);

    expect(outcomes).toHaveLength(targets.length);
    expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['anonymised', 'erased']));
    expect(
      outcomes.find(({ dataset, ref }) => dataset === 'sale.sale' && ref === String(saleOf('gerda-done')))?.note,
    ).toBe('kept-by-tryton-names-nobody:description');
    expect(await residueOf(item, targets)).toEqual([]);
    for (const value of ['gerda@example.test', 'Gerda Friis', '+4533121212', '33 12 12 12', 'Oak Road 4'])
      expect({ value, stands: await whereStands(system.db, value) }).toEqual({ value, stands: [] });

    // Every other row of the database is as it was, and nothing of hers was written that had nothing to hide.
    const own = new Set(targets.map(({ dataset, ref }) => `${dataset.replace('.', '_')} ${ref}`));
    const touched = changed(before, await snapshot(system.db)).filter((row) => !own.has(row));
    expect(touched).toEqual([`ir_note_read ${targets.find(({ dataset }) => dataset === 'ir.note')?.ref}`]);
    expect(Object.keys(writes).filter((row) => !own.has(row))).toEqual(touched);

    // A lost answer: the same call again writes nothing, and neither does a new search with nothing left to find.
    const again = await all(tryton.apply(system.context(), erasure, [item], targets));
    expect(await takeWrites(system.db)).toEqual({});
    expect(again.filter(({ dataset }) => dataset.startsWith('party.')).map(({ kind }) => kind)).toEqual(
      again.filter(({ dataset }) => dataset.startsWith('party.')).map(() => 'not-found'),
    );
    expect(await all(tryton.locate(system.context(), [item]))).toEqual([]);
  });

  it('control: Tryton’s erase alone leaves the address, and the second look says where', async () => {
    const item = person('hans@example.test');
    const targets = await decided(system.context(), item);
    await takeWrites(system.db);
    await eraseInTryton(system.running, idOf('hans'));
    // The vendor writes a contact twice (deactivated, then blanked): "each row once" cannot hold for its erase.
    const writes = await takeWrites(system.db);
    expect(
      Object.entries(writes)
        .filter(([row]) => /party_(address|contact)/.test(row))
        .map(([, times]) => times),
    ).toEqual([2, 2]);
    expect(writes[`party_party ${idOf('hans')}`]).toBe(2);
    const sale = saleOf('hans-done');
    const seen = await residueOf(item, targets);
    expect(seen).toEqual([
      expect.stringMatching(/^account.invoice \d+ description scan$/),
      expect.stringMatching(/^ir.email \d+ body reference$/),
      expect.stringMatching(/^ir.email \d+ recipients reference$/),
      expect.stringMatching(/^ir.email \d+ subject reference$/),
      expect.stringMatching(/^party.contact_mechanism \d+ value_compact scan$/),
      `sale.sale ${sale} comment reference`,
      `sale.sale ${sale} description scan`,
      `sale.sale ${sale} reference reference`,
    ]);
    expect(await whereStands(system.db, 'hans@example.test')).toEqual(
      expect.arrayContaining(['party_contact_mechanism.value_compact', 'sale_sale.reference', 'ir_email.recipients']),
    );
  });

  it('finishes after a crash behind the wizard: clears what the API can, and reports what Tryton holds on to', async () => {
    const item = person('hans@example.test');
    const targets = await decided(system.context(), item);
    expect(targets.map(({ dataset }) => dataset)).toEqual(
      expect.arrayContaining(['party.party', 'sale.sale', 'ir.email']),
    );
    const outcomes = await all(tryton.apply(system.context(), erasure, [item], targets));
    const kindOf = (dataset: string) =>
      outcomes.filter((one) => one.dataset === dataset).map(({ kind, note }) => `${kind} ${note ?? ''}`);
    expect(kindOf('party.party')).toEqual(['not-found already-erased']);
    expect(kindOf('party.contact_mechanism')).toEqual(['anonymised ']);
    expect(kindOf('sale.sale')).toEqual(['refused-by-system kept-by-tryton:description']);
    expect(kindOf('account.invoice')).toEqual(['refused-by-system kept-by-tryton:description']);
    expect(kindOf('ir.email')).toEqual(['refused-by-system ']);
    expect((await residueOf(item, targets)).map((line) => line.replace(/\d+ /, ''))).toEqual([
      'account.invoice description scan',
      'ir.email body reference',
      'ir.email recipients reference',
      'ir.email subject reference',
      'sale.sale description scan',
    ]);
  });

  it('erases one of a household without touching namesake, shared phone or shared address of the others', async () => {
    const item = person('carol@example.test');
    const before = await snapshot(system.db);
    const targets = await decided(system.context(), item);
    // The invoice stays whole under a duty; the sale keeps its number and loses only what goes beyond the duty.
    const rule = 'books';
    const planned = targets.map((target) =>
      target.dataset === 'account.invoice'
        ? { ...target, action: 'retain' as const, ruleId: rule }
        : target.ref === String(saleOf('carol-done')) && target.dataset === 'sale.sale'
          ? { ...target, ruleId: rule, fields: ['comment', 'reference'] }
          : target,
    );
    const outcomes = await all(tryton.apply(system.context(), erasure, [item], planned));
    expect(outcomes.find(({ dataset }) => dataset === 'account.invoice')).toMatchObject({
      kind: 'retained',
      ruleId: rule,
    });
    expect(
      outcomes.find(({ ref, dataset }) => dataset === 'sale.sale' && ref === String(saleOf('carol-done'))),
    ).toMatchObject({
      kind: 'retained',
      ruleId: rule,
      stripped: ['comment', 'reference'],
    });
    expect(await residueOf(item, planned)).toEqual([]);
    const own = new Set(targets.map(({ dataset, ref }) => `${dataset.replace('.', '_')} ${ref}`));
    const touched = changed(before, await snapshot(system.db)).filter(
      (row) => !own.has(row) && !row.startsWith('ir_note_read'),
    );
    expect(touched).toEqual([]);
    expect(changed(before, await snapshot(system.db)).filter((row) => row.startsWith('account_'))).toEqual([]);
    // Now the household's address leads to one party alone.
    const [left] = await all(tryton.locate(system.context(), [person('family@example.test')]));
    expect(left).toMatchObject({ dataset: 'party.party', ref: String(idOf('dan')) });
  });

  it('logs nothing of a person', () => {
    expect(system.logged.join('\n')).not.toMatch(/example\.test|Carol|Gerda|Hans|Erik|Freja/);
  });
});
