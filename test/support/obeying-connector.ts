/** A mailing tool's plugin for the propagation tests: it can be told of decisions, and writes them down behind HTTP. */
import { ConnectorError, defineConnector } from '@lethe/plugin-sdk';

export default defineConnector<{ url: string }>({
  async check() {
    return { ok: true, account: 'mailing' };
  },
  async *datasets() {
    yield {
      ...{ name: 'subscribers', title: 'Subscribers', categories: ['contact'], shared: false, action: 'erase' },
      fields: [{ name: 'email', personal: true, identifier: { type: 'email', strength: 'identifying' } }],
      ...{ refs: [], stripFields: [], schemaHash: 'a'.repeat(64) },
    };
  },
  async *locate() {},
  async *read() {},
  async *apply() {},
  async *verify(_x, items) {
    for (const { itemKey } of items) yield { itemKey, dataset: 'subscribers', kind: 'clean' };
  },
  async *horizon() {},
  async *obey(x, people) {
    const answer = await fetch(x.config.url, { method: 'POST', body: JSON.stringify(people), signal: x.signal }).catch(
      () => undefined,
    );
    if (!answer?.ok) throw new ConnectorError({ class: 'transient', code: 'unreachable' }, 'It cannot be reached.');
    for (const { itemKey } of people) yield { itemKey, kind: 'obeyed' };
  },
});
