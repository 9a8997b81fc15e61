/** Wires requests: slices, routes, the engine's jobs, and the real neighbours behind its ports. */
import { Module, type Provider } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { AccessSearch } from '#access-log';
import { ConnectorCalls, ConnectorsModule } from '#connectors';
import { ConsentModule } from '#consent';
import { Holds, RetentionRules } from '#retention';
import { SubjectsModule } from '#subjects';
import { TenancyModule } from '#tenancy';
import { AftercareReasons } from './step/aftercare-reasons.js';
import { CaseFiles } from './step/case-files.js';
import { AnswerByHand } from './answer/answer-by-hand.js';
import { AnswerSources } from './answer/answer-sources.js';
import { WriteAnswers } from './answer/answer-writer.js';
import { AnswersController } from './answer/answers.controller.js';
import { ApprovalRule } from './plan/approval-rule.js';
import { ApproveRequestHandler } from './plan/approve-request.js';
import { BeginRequest } from './step/begin-request.js';
import { LastLook } from './step/last-look.js';
import { ConsentStops, RetentionKeeping, SubjectErasure } from './bridges.js';
import { BuildPlan } from './plan/build-plan.js';
import { CaseFile } from './case-file.js';
import { CertificateFiles } from './certificate/certificate-file.js';
import { CertificateSources, IssueCertificate } from './certificate/certificate-issuer.js';
import { CertificateStore } from './certificate/certificate-store.js';
import { CertificateController } from './certificate/certificate.controller.js';
import { ConnectedSystems, KeepingRules, SystemCalls } from './step/connected-systems.js';
import { CourseOfRequest } from './course/course-of-request.js';
import { EraseOwnStep } from './step/erase-own-step.js';
import { EraseStep } from './step/erase-step.js';
import { ExcludeFromPlanHandler } from './plan/exclude-from-plan.js';
import { IdentifySubjectHandler } from './identify/identify-subject.js';
import { Intake } from './opening/intake.js';
import { KeptGroups } from './step/kept-groups.projection.js';
import { KnownElsewhere } from './step/known-elsewhere.js';
import { LateRecords } from './step/late-records.js';
import { MakePlanHandler } from './plan/make-plan.js';
import { HandOver } from './course/hand-over.js';
import { ManualTasks } from './manual-tasks.js';
import { OpenRequestHandler } from './opening/open-request.js';
import { OwnRecords } from './opening/own-records.js';
import { BuildPackage } from './package/package-builder.js';
import { PackageContents } from './package/package-contents.js';
import { PackageExpiry } from './package/package-expiry.js';
import { PackageFolder } from './package/package-folder.js';
import { PackageOwn } from './package/package-own.js';
import { PackageParts } from './package/package-parts.js';
import { PackageRegister } from './package/package-register.js';
import { PackageController } from './package/package.controller.js';
import { AnswerWriter, CertificateIssuer, OwnErasure, PackageBuilder, WithdrawalPort } from './ports.js';
import { ReadRequest } from './reading/read-request.js';
import { PrepareErasure } from './step/prepare-erasure.js';
import { ReadStep } from './step/read-step.js';
import { ReplayErasures } from './step/replay-erasures.js';
import { ReplayKeys } from './step/replay-keys.js';
import { RequestCourseController } from './course/request-course.controller.js';
import { RequestTasksController } from './request-tasks.controller.js';
import { RequestProcess } from './course/request.process.js';
import { RequestsController } from './requests.controller.js';
import { Requests } from './requests.js';
import { RequestEnds, RequestProcesses, RequestsWorker, RequestWork } from './requests.worker.js';
import { ResumeHeld } from './step/resume-held.process.js';
import { EndCaseFile } from './step/end-case-file.js';
import { EraseOwnGroup } from './step/erase-own-group.js';
import { RunAftercare } from './step/run-aftercare.js';
import { RunStep } from './step/run-step.js';
import { SearchRequests } from './reading/search-requests.js';
import { SendAnswer } from './answer/send-answer.js';
import { SendVerificationCodeHandler } from './identify/send-verification-code.js';
import { SimilarRequests } from './opening/similar-requests.js';
import { StopAtOnce } from './course/stop-at-once.js';
import { VerificationCodes } from './identify/verification-codes.js';

/** Holds, rules and accesses are read afresh at every question: an instance of our own sees what any other sees. */
const neighbours: Provider[] = [
  { provide: ConnectedSystems, useExisting: ConnectorCalls },
  { provide: SystemCalls, useExisting: ConnectorCalls },
  ...[Holds, RetentionRules, AccessSearch, KnownElsewhere],
  { provide: KeepingRules, useClass: RetentionKeeping },
  { provide: WithdrawalPort, useClass: ConsentStops },
  { provide: OwnErasure, useClass: SubjectErasure },
];

const answering: Provider[] = [
  ...[AnswerSources, AnswerByHand, CertificateSources, CertificateStore, CertificateFiles],
  { provide: AnswerWriter, useClass: WriteAnswers },
  { provide: CertificateIssuer, useClass: IssueCertificate },
  ...[PackageFolder, PackageParts, PackageOwn, PackageRegister, PackageContents, PackageExpiry],
  { provide: PackageBuilder, useClass: BuildPackage },
];

const slices: Provider[] = [
  ...[Intake, OpenRequestHandler, IdentifySubjectHandler, SendVerificationCodeHandler, MakePlanHandler],
  ...[
    ExcludeFromPlanHandler,
    ApproveRequestHandler,
    CourseOfRequest,
    ManualTasks,
    HandOver,
    ReadRequest,
    SearchRequests,
  ],
];

const engine: Provider[] = [
  ...[Requests, CaseFile, OwnRecords, BuildPlan, ApprovalRule, SimilarRequests, VerificationCodes, StopAtOnce],
  ...[
    LastLook,
    BeginRequest,
    LateRecords,
    PrepareErasure,
    EraseStep,
    EraseOwnStep,
    ReadStep,
    RunStep,
    AftercareReasons,
    CaseFiles,
    EraseOwnGroup,
    EndCaseFile,
    RunAftercare,
    SendAnswer,
    ReplayErasures,
    ReplayKeys,
  ],
  ...[RequestEnds, RequestWork, RequestProcess, KeptGroups, ResumeHeld, RequestProcesses, RequestsWorker],
];

@Module({
  imports: [CqrsModule, TenancyModule, SubjectsModule, ConsentModule, ConnectorsModule],
  controllers: [
    RequestsController,
    RequestCourseController,
    RequestTasksController,
    AnswersController,
    CertificateController,
    PackageController,
  ],
  providers: [...neighbours, ...answering, ...slices, ...engine],
  exports: [HandOver, Requests, ReadRequest, ReplayErasures, ReplayKeys],
})
export class RequestsModule {}
