/** The suite each SQL connector must pass on its real system: nobody else's row, each row once, nothing written by a read. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Connector } from '@lethe/plugin-sdk';
import { changePromises } from './conformance-change.js';
import { searchPromises } from './conformance-search.js';
import { plantShop } from './conformance-shop.js';
import { ConformanceShop, type ConformanceSystem } from './conformance-system.js';

export { ADA, plantShop, shopMap, snapshot, type RunSql } from './conformance-shop.js';
export { collect, person, type ConformanceSystem } from './conformance-system.js';

/** Declares the suite for jest; `setup` starts the real system once, the shop is planted anew for each promise. */
export function describeConnector(
  name: string,
  connector: Connector<unknown>,
  setup: () => Promise<ConformanceSystem>,
): void {
  describe(`${name} on a planted shop`, () => {
    let shop: ConformanceShop;

    beforeAll(async () => {
      shop = new ConformanceShop(connector, await setup());
    }, 60_000);
    afterAll(async () => shop.system.stop());
    beforeEach(async () => {
      await plantShop(shop.system.sql);
      await shop.system.planted?.();
    });

    it.each([...searchPromises, ...changePromises])('%s', async (_title, proof) => {
      await expect(proof(shop)).resolves.toBeUndefined();
    });
  });
}
