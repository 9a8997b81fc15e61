/** A group that Lethe itself kept for the law's sake, on its day: whose keys go stands in the open, so that no file must open. */
import { Injectable } from '@nestjs/common';
import type { SubjectId } from '#kernel';
import { keyClassOf } from '../opening/own-records.js';
import { OwnErasure } from '../ports.js';
import { Requests } from '../requests.js';
import { CaseFiles, isCaseFile } from './case-files.js';
import type { Kept } from './aftercare-reasons.js';
import { rememberStops } from './remember-stops.js';

@Injectable()
export class EraseOwnGroup {
  constructor(
    private readonly requests: Requests,
    private readonly files: CaseFiles,
    private readonly own: OwnErasure,
  ) {}

  /** The keys that went; undefined when the file is needed after all. A repeat changes nothing. */
  async erase({ tenant, state, care, people }: Kept): Promise<number | undefined> {
    const keyClass = keyClassOf(care.dataset);
    const isFile = isCaseFile(care);
    if (isFile && !(await this.files.announceEnd(tenant, state))) return undefined;
    if (keyClass === 'identity')
      for (const subject of people)
        await rememberStops(this.requests, this.own, { tenant, requestId: state.id, subject });
    if (keyClass)
      for (const person of fileLast(people, state.keyHolder)) await this.own.erase(tenant, person, [keyClass]);
    if (isFile) await this.files.destroy(tenant, state);
    return people.length;
  }
}

/** A list of before is sealed under the key of one of these people: while it can be read, somebody's may be left. */
function fileLast(people: readonly SubjectId[], keyHolder: SubjectId): SubjectId[] {
  const others = people.filter((person) => person !== keyHolder);
  return others.length < people.length ? [...others, keyHolder] : others;
}
