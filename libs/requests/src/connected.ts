/** What a connected system says and is asked, in the words of the plugin SDK; the one place of this domain that names it. */
export type {
  Action,
  DataRecord,
  Dataset,
  Fail,
  Horizon,
  Identifier,
  Item,
  Json,
  Located,
  Op,
  Outcome,
  RecordRef,
  Target,
  VerifiedId,
  Verification,
} from '@lethe/plugin-sdk';
