/** Work on several things, of which the trouble of one is not the next one's. */

/** Runs for each, one after another. Errors: the first one, once all of them had their turn. */
export async function inTurn<Thing>(things: readonly Thing[], run: (thing: Thing) => Promise<unknown>): Promise<void> {
  const failed: unknown[] = [];
  for (const thing of things) await run(thing).catch((error: unknown) => failed.push(error));
  if (failed.length > 0) throw failed[0];
}
