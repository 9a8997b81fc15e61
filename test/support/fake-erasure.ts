/** Erasure in Lethe itself: keys are destroyed for real, and a spec may end the process right after. */
import type { SubjectId, TenantId } from '#kernel';
import { EraseIdentity, EraseIdentityHandler, type People } from '#subjects';
import { OwnErasure } from '../../libs/requests/src/ports.js';
import type { SubjectsFixture } from './subjects-fixture.js';

export class FakeErasure extends OwnErasure {
  /** Ends its caller right after the next erasure of this kind, once. */
  crashesAfter: Parameters<OwnErasure['erase']>[2][number] | undefined;
  /** Whose stops were asked for, in turn. */
  readonly remembered: SubjectId[] = [];
  /** What its caller knew of whom it erased, in turn. */
  readonly known: string[][] = [];
  private readonly handler: EraseIdentityHandler;

  constructor(
    private readonly base: SubjectsFixture,
    people: People,
  ) {
    super();
    this.handler = new EraseIdentityHandler(base.store, base.keyStore, base.identifiers, people);
  }

  async erase(...[tenant, subject, classes, known = []]: Parameters<OwnErasure['erase']>): Promise<void> {
    this.known.push(known.map(({ value }) => value));
    await this.handler.execute(new EraseIdentity({ tenant, actorRef: 'system:requests' } as never, subject, classes));
    if (this.crashesAfter === undefined || !classes.includes(this.crashesAfter)) return;
    this.crashesAfter = undefined;
    throw new Error('the process ends here');
  }

  async eraseFile(tenant: TenantId, keyHolder: SubjectId): Promise<void> {
    await this.base.keyStore.shred(tenant, keyHolder, ['case']);
  }

  override async remember(_tenant: TenantId, subject: SubjectId): Promise<{ count: number; until: string }> {
    this.remembered.push(subject);
    return { count: 1, until: '2036-11-02' };
  }

  async isReadable(tenant: TenantId, subject: SubjectId): Promise<boolean> {
    return 'key' in (await this.base.keyStore.find(tenant, subject, 'identity'));
  }

  async horizon(): Promise<null> {
    return null;
  }
}
