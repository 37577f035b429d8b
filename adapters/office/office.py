"""The office: every use case that HTTP and the command line offer, in one place."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import Engine

from adapters.ledger.policies import PolicyStore
from adapters.office import (
    clockwork,
    counter,
    desk,
    desk_duties,
    desk_reversals,
    erasing,
    filing,
    impact,
    intake,
    keys,
    letters,
    looks,
    migrating,
    policy,
    portal,
    process,
    proposing,
    publishing,
    reading,
    replaying,
    retaining,
    subjects,
    working,
)
from adapters.office.access import require_role
from adapters.office.desk_duties import DutySearch
from adapters.office.desk_model import DutyPage, FoundPage, Reversals, Sample, Search, Stratum
from adapters.office.erasing import Erasure
from adapters.office.errors import NotFoundError
from adapters.office.impact_model import Impact
from adapters.office.looks import LookPage
from adapters.office.model import (
    Answer,
    Answered,
    CaseView,
    CheckRequest,
    CheckResult,
    DecisionView,
    Ended,
    EventPage,
    ExplanationView,
    Filed,
    Filing,
    FilingResult,
    GraphInput,
    Health,
    Idempotency,
    IssuedKey,
    KeyView,
    LetterView,
    MessagePage,
    MessageView,
    Migration,
    ObligationPage,
    ObligationQuery,
    ObligationView,
    Party,
    PolicyHistory,
    PolicyProposal,
    PolicyVerification,
    PolicyView,
    Principal,
    ProcessView,
    RecordResult,
    Step,
    Stepped,
    SubjectView,
)
from adapters.office.portal_view import AccessCode, Session, SubjectCaseView, SubjectReceipt
from adapters.office.ports import Context, Evaluator, instant
from adapters.office.proofs import LogSettings, Proofs
from adapters.policy_checks import Examination, Examiner
from adapters.signing import DerivedSigner, Signer
from engine.casework.model import Actor
from engine.casework.replaying import Question
from engine.language.ir import Ground, Policy


class Office:
    """The application layer. Safe to share between threads; holds no state but caches of immutable things.

    Any method may raise `ForbiddenError` when the principal lacks the role, and `NotFoundError` for an id that does
    not exist or is not the principal's to see.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        evaluator: Evaluator,
        clock: Callable[[], dt.datetime],
        secret: bytes,
        policies: PolicyStore | None = None,
        signer: Signer | None = None,
        examiner: Examiner | None = None,
        log: LogSettings | None = None,
    ) -> None:
        """Open an office on a migrated database (`adapters.ledger.upgrade`)."""
        signer = signer or DerivedSigner(secret)
        policies = policies or PolicyStore(engine, signer=signer)
        log = log or LogSettings(DerivedSigner(hashlib.sha256(b"xinheng log" + secret).digest()))
        self.proofs = Proofs(engine, log, lambda: instant(clock()))
        self.context = Context(engine, policies, evaluator, clock, secret, signer, examiner or Examiner(), self.proofs)
        self._counter = counter.Counter(self.context)
        self._door = keys.Door(self.context)
        self._portal = portal.Portal(self.context)

    # filing

    def file_case(self, principal: Principal, filing_: Filing, *, idempotency: Idempotency | None = None) -> Filed:
        """Place a subject on a list; returns once the decision and what follows are durably logged.

        Raises:
            ForbiddenError: the list does not name the principal's department among `filed_by`.
            InvalidError: list, identity code, kind or facts are wrong.
            ConflictError: `already-listed`, the same facts are in force already.
            IdempotencyError: the key was used for another request.
            UndecidedError: the engines reached no common decision; nothing was filed.

        """
        return filing.file_case(self.context, principal, filing_, idempotency)

    def file_cases(self, principal: Principal, filings: Iterable[Filing]) -> Iterable[FilingResult]:
        """File many, lazily, each in a transaction of its own; one bad line does not stop the others."""
        return filing.file_cases(self.context, principal, filings)

    # working

    def answer(
        self,
        principal: Principal,
        obligation: str,
        answer: Answer,
        *,
        if_match: str | None = None,
        idempotency: Idempotency | None = None,
    ) -> Answered:
        """Do something about an obligation of the principal's department.

        `if_match` is an `ObligationView.etag`.

        Raises:
            RefusedError: casework does not permit this now.
            PreconditionError: the obligation changed since `if_match`.
            ConflictError: other writers kept winning; nothing was changed.
            InvalidError: a field of the answer is wrong, or no officer is named.

        """
        return working.answer(self.context, principal, obligation, answer, if_match, idempotency)

    def end_case(
        self,
        principal: Principal,
        case: str,
        ground: Ground,
        reason: str,
        *,
        if_match: int | None = None,
        idempotency: Idempotency | None = None,
    ) -> Ended:
        """End a listing that the principal's department filed; everything in force begins to be lifted.

        `if_match` is a `CaseView.version`. Raises like `answer`.
        """
        return working.end_case(self.context, principal, case, ground, reason, if_match, idempotency)

    def process(self, principal: Principal, case: str) -> ProcessView:
        """Where a case stands in its procedure: for its initiator, the department that decides it, and auditors."""
        view = process.process(self.context, principal, case)
        people = {view.case.subject, *(p.id for p in view.parties)}
        looks.record(self.context, principal, people, what="process", case=view.case.id)
        return view

    def step(
        self,
        principal: Principal,
        case: str,
        step: Step,
        *,
        if_match: int | None = None,
        idempotency: Idempotency | None = None,
    ) -> Stepped:
        """Carry out a step of the procedure: notice, statement, decision, service, objection, repair, correction …

        `if_match` is a `CaseView.version`. Raises like `answer`; a step out of turn is a `RefusedError` that says what
        has to come first.
        """
        return process.step(self.context, principal, case, step, if_match, idempotency)

    def migrate_cases(
        self, principal: Principal, *, cases: Sequence[str] | None = None, reason: str = "", dry_run: bool = True
    ) -> Iterable[Migration]:
        """Bring live cases under the policy in force, or say what that would do. Policy staff only; lazily, by case.

        Raises:
            InvalidError: no reason is given for doing it.

        """
        found = migrating.migrate_cases(self.context, principal, cases, reason, dry_run=dry_run)
        return looks.each(self.context, principal, found, what="migration") if dry_run else found

    def policy_impact(
        self,
        principal: Principal,
        before: Policy | None,
        after: Policy,
        *,
        day: dt.date | None = None,
        days: int = 30,
        only_following: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> Impact:
        """What bringing the live cases under `after` on a day would do; nothing is written. Policy staff and auditors.

        `before` is the policy that they are taken to go by, by default the one of each case. See `impact.impact`.
        """
        require_role(principal, "policy", "auditor")
        found = impact.impact(
            self.context, before, after, day=day, days=days, only_following=only_following, progress=progress
        )
        looks.record(self.context, principal, {*found.restricted, *found.released}, what="impact", about=after.version)
        return found

    # letters and messages

    def letters(self, principal: Principal, case: str) -> tuple[LetterView, ...]:
        """The letters of a case: for its initiator and auditors; an implementing department sees its own slips."""
        found = letters.of_case(self.context, principal, case)
        looks.record_case(self.context, principal, case, what="letters")
        return found

    def letter(self, principal: Principal, letter: str, form: Literal["docx", "pdf"]) -> tuple[LetterView, bytes]:
        """A letter as a file, rendered the first time it is asked for and the same ever after."""
        view, body = letters.content(self.context, principal, letter, form)
        looks.record_case(self.context, principal, view.case, what="letter", about=letter)
        return view, body

    def response_slip(self, principal: Principal, obligation: str) -> LetterView:
        """Issue a slip about the state of an obligation of the principal's department."""
        return letters.response_slip(self.context, principal, obligation)

    def messages(self, principal: Principal, *, after: str | None = None, limit: int = 50) -> MessagePage:
        """What the principal's department is to know, newest first.

        Raises:
            InvalidError: the limit is wrong.

        """
        return reading.list_messages(self.context, principal, after, limit)

    # time

    def due_cases(self, *, limit: int = 1000, fresh_calendars: bool = False) -> tuple[str, ...]:
        """Cases about which time has something to say today; for a worker."""
        return clockwork.due_cases(self.context, limit=limit, fresh_calendars=fresh_calendars)

    def advance(self, case: str, *, before_commit: Callable[[], None] = lambda: None) -> int:
        """Let time pass for one case; how many events that made. May be repeated, and done by several at once."""
        return clockwork.advance(self.context, case, before_commit=before_commit)

    def cases_to_follow(self, *, limit: int = 1000) -> tuple[str, ...]:
        """Live cases that the policy in force tells to follow it (`existing_cases`) and that have not; for a worker."""
        return migrating.cases_to_follow(self.context, limit=limit)

    def follow_policy(self, case: str) -> Migration | None:
        """Bring one of these cases under the policy in force, in the name of whoever approved it. May be repeated."""
        return migrating.follow(self.context, case)

    def deliver(self, send: Callable[[MessageView, str], None], *, limit: int = 200) -> int:
        """Hand undelivered messages to `send(message, department)`, oldest first, at least once each."""
        return clockwork.deliver(self.context, send, limit=limit)

    def render_letters(self, *, limit: int = 20) -> int:
        """Render letters that nobody has asked for yet; how many were."""
        return letters.render_waiting(self.context, limit)

    def beat(self, worker: str, *, period: int) -> bool:
        """Note that a worker is at work; whether the calendars changed since it last did."""
        return clockwork.beat(self.context, worker, period=period)

    def health(self) -> Health:
        """Whether time is being kept."""
        return clockwork.health(self.context)

    # replay: for auditors

    def replay_decision(
        self, principal: Principal, digest: str, question: Question, decide: replaying.Decider | None = None
    ) -> replaying.Replayed:
        """A decision made again, and why it differs if it does. `decide`: by what, else by the reference interpreter.

        Raises:
            ForbiddenError: not an auditor.
            NotFoundError: no such decision.

        """
        return replaying.replay_decision(self.context, principal, digest, question, decide)

    def replay_case(
        self, principal: Principal, case: str, question: Question, decide: replaying.Decider | None = None
    ) -> tuple[tuple[replaying.Replayed, ...], replaying.Refolded]:
        """The decisions of a case made again, in their order, and its events folded again; raises as above."""
        return replaying.replay_case(self.context, principal, case, question, decide)

    def begin_replay(self, principal: Principal) -> None:
        """Put on record that an auditor replays the whole ledger."""
        require_role(principal, "auditor")
        looks.record(self.context, principal, (), what="replay")

    # reading: each of these puts on record who looks at whom, before it answers

    def get_case(self, principal: Principal, case: str) -> CaseView:
        """A case's header: for its initiator, departments that owe something in it, and auditors."""
        return reading.get_case(self.context, principal, case)

    def get_obligation(self, principal: Principal, obligation: str) -> ObligationView:
        """One obligation: for its department, the case's initiator, and auditors."""
        return reading.get_obligation(self.context, principal, obligation)

    def graph(self, principal: Principal, case: str) -> GraphInput:
        """What the graph of a case is drawn from."""
        return reading.graph(self.context, principal, case)

    def list_obligations(self, principal: Principal, query: ObligationQuery) -> ObligationPage:
        """A page of the queue. A department sees its own obligations; an auditor all, or those of `department`.

        Raises:
            InvalidError: the cursor or the limit is wrong.
            ForbiddenError: `department` is another one and the principal is no auditor.

        """
        return reading.list_obligations(self.context, principal, query)

    def events(self, principal: Principal, case: str, *, after: int = 0, limit: int = 100) -> EventPage:
        """Events of a case after a version: for its initiator and auditors."""
        return reading.events(self.context, principal, case, after, limit)

    def decision(self, principal: Principal, case: str, *, why_not: str | None = None) -> DecisionView:
        """The latest decision of a case, explained under the policy it was made with: for its initiator and auditors.

        `why_not` is a department id: why it owes nothing.
        """
        return reading.decision(self.context, principal, case, why_not)

    def explanation(
        self, principal: Principal, case: str, *, as_: str | None = None, why_not: str | None = None
    ) -> ExplanationView:
        """The latest decision of a case explained, as far as the principal may see it.

        Its initiator and auditors see why anybody owes something or nothing (`why_not` is a department id); a
        department that owes something sees what obliges it. An auditor may look as somebody else: `as_` is `subject`
        or a department id.

        Raises:
            ForbiddenError: `as_` or `why_not` is not the principal's to ask.
            ErasedError: the subject's data were lawfully erased.

        """
        return reading.explanation(self.context, principal, case, as_, why_not)

    def receipt(self, principal: Principal, case: str, version: int, size: int | None = None) -> dict[str, Any]:
        """The receipt of one event of a case; see `Proofs.receipt`."""
        made = self.proofs.receipt(principal, case, version, size)
        looks.record_case(self.context, principal, case, what="receipt", about=str(version))
        return made

    # counter

    def check(self, principal: Principal, request: CheckRequest) -> CheckResult:
        """What a clerk must know about a subject for one matter. Every question is recorded before it is answered.

        Adverse effects count only while the measure is in force, favourable ones from the day they are owed.

        Raises:
            InvalidError: unknown matter, empty purpose, invalid code, or neither code nor subject.
            ForbiddenError: the matter is not one that the principal's department handles.

        """
        return self._counter.check(principal, request)

    # the auditor's desk: auditors only, and each of these puts on record whom it shows

    def audit_looks(
        self,
        principal: Principal,
        *,
        subject: str | None = None,
        department: str | None = None,
        case: str | None = None,
        since: dt.date | None = None,
        until: dt.date | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> LookPage:
        """Who looked at whom, the latest first; counter checks and parties' own looks are among them.

        Raises:
            InvalidError: a text, the cursor or the limit is wrong.

        """
        return desk.look_history(
            self.context, principal, subject=subject, department=department, case=case, since=since, until=until,
            after=after, limit=limit,
        )  # fmt: skip

    def find_decisions(
        self, principal: Principal, search: Search, *, after: str | None = None, limit: int = 50
    ) -> FoundPage:
        """Decisions by rule, law, department, officer, list, policy, outcome and day. Raises like `audit_looks`."""
        return desk.find(self.context, principal, search, after, limit)

    def sample_decisions(
        self,
        principal: Principal,
        search: Search,
        *,
        size: int,
        seed: str,
        by: Stratum | None = None,
        until: str | None = None,
    ) -> Sample:
        """A sample that anyone draws again with the same seed; `until` is the instant that ends the population, now.

        Raises:
            InvalidError: the size or the seed is wrong.

        """
        return desk.sample(self.context, principal, search, size=size, seed=seed, by=by, until=until)

    def audit_duties(
        self, principal: Principal, search: DutySearch, *, after: str | None = None, limit: int = 50
    ) -> DutyPage:
        """Evidence that departments did not ask, or did not carry out; one page by obligation. Raises as `audit_looks`.

        A page ends with an obligation, so that it may have a few findings more than `limit`.
        """
        return desk_duties.duties(self.context, principal, search, after, limit)

    def audit_reversals(
        self,
        principal: Principal,
        *,
        department: str | None = None,
        list_: str | None = None,
        since: dt.date | None = None,
        until: dt.date | None = None,
    ) -> Reversals:
        """Of the listings filed between two days, how many were reversed until today, how, and how soon."""
        return desk_reversals.reversals(
            self.context, principal, department=department, list_=list_, since=since, until=until
        )

    # records and subjects

    def put_records(self, principal: Principal, lines: Sequence[Mapping[str, Any]]) -> tuple[RecordResult, ...]:
        """Take in 1 to 10,000 records and relations, all from the principal's department, in one transaction.

        A record:   {"record": "penalty", "id": "<the supplier's own id>", "subject": {"kind", "code", "name"},
                     "date": "2026-01-31", "fields": {…}}        (`date` may be absent: unknown)
        A relation: {"relation": "legal-representative", "id": …, "subject": {…}, "person": {"kind", "code", "name"}}

        A line that is wrong is rejected with its errors; one seen before (same supplier, kind and id) is a duplicate.

        Raises:
            InvalidError: no line, or more than 10,000.

        """
        return intake.put_records(self.context, principal, lines)

    def lookup_subject(self, principal: Principal, party: Party) -> SubjectView:
        """The subject with an identity code. `party.name` is not looked at: names never match.

        Raises:
            InvalidError: the code is not valid for the kind.

        """
        try:
            view = subjects.lookup(self.context, principal, party)
        except NotFoundError:
            looks.record(self.context, principal, (), what="lookup")
            raise
        looks.record(self.context, principal, [view.id], what="lookup")
        return view

    def get_subject(self, principal: Principal, subject: str) -> SubjectView:
        """A subject that the principal's department has a case, obligation or record about."""
        view = subjects.get(self.context, principal, subject)
        looks.record(self.context, principal, [view.id], what="subject")
        return view

    # erasure

    def erase(self, principal: Principal, subject: str, ground: str, reference: str) -> Erasure:
        """Erase a subject's personal data on a lawful ground (`erasing.GROUNDS`); it cannot be undone.

        `reference` says which application or approval it rests on. Custodians only.

        Raises:
            InvalidError: the ground is none of the law's, or there is no reference.
            ConflictError: `case-open`, a case about the subject is not closed yet; `already-erased`.

        """
        return erasing.erase(self.context, principal, subject, ground, reference)

    def erase_expired(self, *, limit: int = 100) -> int:
        """Erase subjects whose personal data have been kept long enough by the policy in force; how many were.

        Besides, whoever was erased before and came back with a restored backup is erased again.
        """
        erasing.note_all(self.context)
        again = erasing.reapply(self.context, limit=limit)
        return again + retaining.erase_expired(self.context, limit=limit)

    def erasures(self, principal: Principal, *, limit: int = 1000) -> tuple[Erasure, ...]:
        """Whose data were erased, the latest first. Custodians and auditors only."""
        found = erasing.erasures(self.context, principal, limit=limit)
        looks.record(self.context, principal, {e.subject for e in found}, what="erasures")
        return found

    # the subject's own view

    def issue_access_code(
        self, principal: Principal, case: str, party: str | None = None, days: int = 30
    ) -> AccessCode:
        """A code that the initiating department hands to a party of a case, by default the subject.

        It is good once, until it expires; codes issued to the same party before and not used yet are void.

        Raises:
            InvalidError: the case does not reach `party`, or `days` is out of range.

        """
        return portal.issue(self.context, principal, case, party, days)

    def redeem_code(self, code: str) -> Session:
        """Use up a code for a session of half an hour.

        Raises:
            NotFoundError: wrong, expired, void or used; which of these is never said.

        """
        return portal.redeem(self.context, code)

    def subject_view(self, token: str) -> SubjectCaseView:
        """What a party is shown of its case. Every look is logged where the party and auditors find it.

        Raises:
            UnauthenticatedError: `session-over`, there is no such session, or it has ended.

        """
        return self._portal.view(token)

    def subject_receipt(self, token: str, version: int) -> SubjectReceipt:
        """The receipt of one of the `SubjectCaseView.steps`. Logged like any other look.

        Raises:
            UnauthenticatedError: `session-over`, there is no such session, or it has ended.
            NotFoundError: no step of that version concerns the party.

        """
        return self._portal.receipt(token, version)

    def end_session(self, token: str) -> None:
        """End a session at once. Of one that does not exist nothing is said."""
        portal.end_session(self.context, token)

    # policy

    def current_policy(self) -> Policy:
        """The policy in force.

        Raises:
            NotFoundError: none has been activated yet.

        """
        return policy.current(self.context)

    def policy_version(self, version: str) -> Policy:
        """A policy by version, in force or not."""
        return policy.version(self.context, version)

    def describe_policy(self, version: str | None = None) -> PolicyView:
        """Version, counts and how it came into force; the policy in force by default."""
        return policy.describe(self.context, version)

    def get_policy(self, principal: Principal, version: str) -> PolicyView:
        """A version by its latest proposal, for policy staff and auditors."""
        return policy.look(self.context, principal, version)

    def policy_files(self, principal: Principal, version: str) -> dict[str, str]:
        """The files of a version, path → text, for policy staff and auditors."""
        return policy.files(self.context, principal, version)

    def policy_history(self, principal: Principal, *, after: str | None = None, limit: int = 50) -> PolicyHistory:
        """Every proposal and what became of it, newest first, for policy staff and auditors.

        Raises:
            InvalidError: the cursor or the limit is wrong.

        """
        return policy.history(self.context, principal, after, limit)

    def verify_policies(self, principal: Principal, version: str | None = None) -> PolicyVerification:
        """Hash every stored version again, and check signatures and order of all that was put in force."""
        return policy.verify(self.context, principal, version)

    def examine_policy(
        self, principal: Principal, given: PolicyProposal, *, progress: Callable[[int, int], None] | None = None
    ) -> Examination:
        """What `propose_policy` would find, and what the bundle changes. Nothing is kept."""
        return proposing.examine(self.context, principal, given, progress)

    def propose_policy(
        self,
        principal: Principal,
        given: PolicyProposal,
        *,
        idempotency: Idempotency | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> PolicyView:
        """Propose a bundle. Policy staff only. It is checked in a child process; one that fails is not kept.

        Raises:
            InvalidError: it does not compile, a test beside it fails, a check finds an error, or the trial comes to no
                end; `field` is `path:line:column`, `code` the finding's.
            ConflictError: `policy-moved`, `base` is not what it would replace; `policy-active`, it changes nothing;
                `policy-proposed`, the same waits for approval already.

        """
        return proposing.propose(self.context, principal, given, idempotency, progress)

    def approve_policy(
        self,
        principal: Principal,
        version: str,
        *,
        remark: str = "",
        if_match: str | None = None,
        idempotency: Idempotency | None = None,
    ) -> PolicyView:
        """Put a proposed bundle in force from its date, or at once. Another officer with another key.

        `if_match` is a `PolicyView.etag`.

        Raises:
            ForbiddenError: `same-person`.
            PreconditionError: the proposal is not as it was seen.
            ConflictError: `policy-active` or `policy-closed`, it waits no longer; `policy-moved`, what it was made from
                is not what it would replace; `policy-pending`, another one is to come into force later.
            adapters.signing.SigningKeyError: it cannot be signed, and so is not in force.

        """
        return publishing.approve(self.context, principal, version, remark, if_match, idempotency)

    def refuse_policy(
        self,
        principal: Principal,
        version: str,
        reason: str,
        *,
        if_match: str | None = None,
        idempotency: Idempotency | None = None,
    ) -> PolicyView:
        """Say no to a proposal. Raises like `approve_policy`."""
        return publishing.refuse(self.context, principal, version, reason, if_match, idempotency)

    def withdraw_policy(
        self,
        principal: Principal,
        version: str,
        reason: str,
        *,
        if_match: str | None = None,
        idempotency: Idempotency | None = None,
    ) -> PolicyView:
        """Take back a proposal of one's own, or what is approved and not in force yet with all that was to follow it.

        Raises like `approve_policy`, and `ForbiddenError` with `not-proposer`.
        """
        return publishing.withdraw(self.context, principal, version, reason, if_match, idempotency)

    def roll_policy_back(
        self, principal: Principal, reason: str, *, to: str | None = None, idempotency: Idempotency | None = None
    ) -> PolicyView:
        """Undo the latest approval at once, or propose to go back further, which a second person has to approve.

        What was approved and is not in force yet is taken back with it.

        Raises:
            ConflictError: `no-earlier-policy`, there is no approval to undo; `never-in-force`, `policy-active`.

        """
        return publishing.rollback(self.context, principal, to, reason, idempotency)

    def bootstrap_policy(self, files: Mapping[str, str], *, proposed_by: Actor, approved_by: Actor) -> PolicyView:
        """Install the first policy of an empty ledger, from the command line of the host. Idempotent for equal files.

        Raises:
            ConflictError: `policy-active`, another policy is in force; use propose and approve.
            ForbiddenError: `same-person`.
            InvalidError: it does not compile.

        """
        return publishing.bootstrap(self.context, files, proposed_by, approved_by)

    # keys

    def issue_key(self, department: str, roles: Iterable[str], label: str) -> IssuedKey:
        """Issue a key; for the command line of the host, there is no HTTP way to it.

        Raises:
            InvalidError: unknown role, or a department that the policy in force does not have.

        """
        return keys.issue(self.context, department, frozenset(roles), label)

    def list_keys(self) -> tuple[KeyView, ...]:
        """All keys, oldest first, revoked ones included."""
        return keys.list_all(self.context)

    def revoke_key(self, key_id: str) -> KeyView:
        """Revoke a key from this moment on. Revoking twice keeps the first moment."""
        return keys.revoke(self.context, key_id)

    def authenticate(self, token: str) -> Principal:
        """The principal behind a token, without an officer.

        Raises:
            UnauthenticatedError: unknown or revoked.

        """
        return self._door.authenticate(token)
