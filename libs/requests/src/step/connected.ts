/** What a connected system says and is asked, in the words of the plugin SDK. */
export type {
  Action,
  DataRecord,
  Dataset,
  Fail,
  Horizon,
  Identifier,
  Item,
  Located,
  Op,
  Outcome,
  Target,
  VerifiedId,
  Verification,
} from '#connectors';
export { AnswerLater, DECLARED_REF } from '#connectors';
export type { CallAbout, TakenBack } from '#connectors';
export type { Json } from '#kernel';
