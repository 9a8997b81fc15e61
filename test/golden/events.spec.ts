/** Stored bytes never migrate: a real leaf of every event type that was ever declared must be read by every build. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { isKnownEvent, knownEvents, leafText, parseLeaf } from '#ledger';
import '../../apps/server/src/app.module.js';
import { committedShapes, strangeShapes } from '../support/event-shapes.js';
import { goldenFile, goldenFolder, goldenLogs } from '../support/golden-leaves.js';

const golden = readdirSync(goldenFolder).map((name) => name.replace(/\.json$/, ''));

/** Declared, and recorded by no test yet. A type leaves this list with its first leaf, and none comes in. */
const awaited = new Set(['SettingChanged.v1']);

describe('the golden leaves', () => {
  it('hold every declared type; to add what is missing: LETHE_TEST_GOLDEN=1 npm test', () => {
    expect(knownEvents().filter((type) => !golden.includes(type) && !awaited.has(type))).toEqual([]);
    expect([...awaited].filter((type) => golden.includes(type))).toEqual([]);
    // The control: a type without a leaf would be seen.
    expect(['NobodyKnows.v1', ...knownEvents()].filter((type) => !golden.includes(type))).toContain('NobodyKnows.v1');
  });

  it('are of no type that this build has forgotten', () => {
    expect(golden.filter((type) => !isKnownEvent(type))).toEqual([]);
  });

  it.each(golden)('%s is read, and written again is the same to the byte', (type) => {
    const bytes = readFileSync(goldenFile(type), 'utf8');
    const event = parseLeaf(7, bytes);
    expect([event.type, event.position]).toEqual([type, 7]);
    expect(Number.isNaN(Date.parse(event.recordedAt))).toBe(false);
    expect(leafText(event)).toBe(bytes);
  });

  it('have the shape that is committed, as every kept log has, and each type has one', () => {
    const leaves = golden.map((type) => parseLeaf(0, readFileSync(goldenFile(type), 'utf8')));
    expect(strangeShapes(leaves)).toEqual([]);
    for (const [name, log] of goldenLogs()) expect([name, strangeShapes(log)]).toEqual([name, []]);
    expect(Object.keys(committedShapes())).toEqual(golden);
  });

  it.each([
    ['renamed', { at: undefined, when: '2026-01-01' }, ['at is absent', 'when is string']],
    ['added', { more: { of: 1 } }, ['more is object', 'more.of is number']],
    ['of another kind', { subject: ['a'] }, ['subject is array', 'subject[] is string']],
    ['no longer sealed', { particulars: { fields: [] } }, ['particulars is object', 'particulars.fields is array']],
  ])('would see a key that is %s (control)', (_, change, strange) => {
    const leaf = parseLeaf(0, readFileSync(goldenFile('AccessRecorded.v1'), 'utf8'));
    const data = JSON.parse(JSON.stringify({ ...leaf.data, ...change })) as typeof leaf.data;
    const lines = strangeShapes([{ ...leaf, data }]);
    for (const line of strange) expect(lines).toContain(`AccessRecorded.v1: ${line}`);
  });

  it('would fail on a leaf of another format, and on one that is not canonical (control)', () => {
    const bytes = readFileSync(goldenFile(golden[0]!), 'utf8');
    expect(() => parseLeaf(0, bytes.replace(/"v":1/, '"v":2'))).toThrow('format 2');
    const spaced = bytes.replace('{', '{ ');
    expect(leafText(parseLeaf(0, spaced))).not.toBe(spaced);
  });
});
