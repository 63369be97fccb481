"""By what the messages of one dialog are known among those that share its Call-ID.

Source: RFC 3261 sections 12 (tags of both sides), 17.1.3 and 18.2.1 (the topmost Via names the transaction).
"""

from dataclasses import dataclass, field

from plugins.pbx_sip.sip.errors import SipError
from plugins.pbx_sip.sip.message import Message

_TAGS_MAX, _SENDERS_MAX, _TRANSACTIONS_MAX = 50, 50, 500


@dataclass(frozen=True, slots=True)
class Transaction:
    """A request and its responses on one hop. sent_by: who asks, as the topmost Via says; tag: of From."""

    sent_by: str
    branch: str
    tag: str
    number: int


def transaction_of(message: Message) -> Transaction:
    """The transaction of a message; without a usable Via it is known by the rest. Raises: BadValue."""
    try:
        sent_by, branch = message.via.sent_by, message.via.branch
    except SipError:
        sent_by = branch = ""
    return Transaction(sent_by, branch, message.sender.tag, message.cseq.number)


@dataclass(slots=True)
class Marks:
    """What was seen of a dialog. tags: of both sides; senders: (tag, sent-by) of who asked."""

    tags: set[str] = field(default_factory=set)
    senders: set[tuple[str, str]] = field(default_factory=set)
    transactions: dict[Transaction, None] = field(default_factory=dict)

    def note(self, message: Message) -> None:
        """Learn from a message of the dialog. Raises: BadValue."""
        transaction = transaction_of(message)
        if transaction not in self.transactions:
            self.transactions[transaction] = None
            if len(self.transactions) > _TRANSACTIONS_MAX:
                del self.transactions[next(iter(self.transactions))]
        if len(self.tags) < _TAGS_MAX:
            self.tags |= {message.sender.tag, message.to.tag} - {""}
        if len(self.senders) < _SENDERS_MAX:
            self.senders.add((transaction.tag, transaction.sent_by))

    def has_number(self, transaction: Transaction) -> bool:
        """Whether the same side asked with the same CSeq, on this hop or wherever it was passed on."""
        return any((each.tag, each.number) == (transaction.tag, transaction.number) for each in self.transactions)

    def rate_sender(self, transaction: Transaction) -> int:
        """2: known to ask for that side here; 0: somebody else is known to; 1: nobody is yet."""
        if (transaction.tag, transaction.sent_by) in self.senders:
            return 2
        return 0 if any(tag == transaction.tag for tag, _ in self.senders) else 1
