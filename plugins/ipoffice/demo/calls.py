# ruff: noqa: RUF001 - Chinese has commas and question marks of its own
"""The calls of the demonstration: who speaks to whom, in which language, saying what, recorded how."""

from dataclasses import dataclass

ALICE, BEN, CARLA, DAVID = "+f3", "+m3", "+f2", "+m7"


@dataclass(frozen=True, slots=True)
class Speaker:
    """One voice: an espeak-ng variant, its pitch (0-99) and its speed in words a minute."""

    variant: str
    pitch: int = 50
    words_per_min: int = 165


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoCall:
    """One call. speech: (speaker, text) in turn. facts: what its metadata say.

    days_ago, clock: when it ended, such as 1, "14:20" in local time; clock "": so many minutes before now.
    form: "ulaw", "alaw", "pcm", "g722" or "opus". told_by: where the facts stand, "xml", "info", "tags", "sidecar" or
    "filename".
    """

    title: str
    voice: str
    speakers: tuple[Speaker, ...]
    speech: tuple[tuple[int, str], ...]
    facts: dict[str, str]
    form: str
    told_by: str
    minutes_ago: int = 0
    days_ago: int = 0
    clock: str = ""


A = Speaker(ALICE, 55)
B = Speaker(BEN, 40, 155)
C = Speaker(CARLA, 62, 175)
D = Speaker(DAVID, 35, 160)


def turns(*texts: str) -> tuple[tuple[int, str], ...]:
    """Two speakers in turn."""
    return tuple((number % 2, text) for number, text in enumerate(texts))


CALLS: tuple[DemoCall, ...] = (
    DemoCall(
        title="incoming call to the sales group, English",
        voice="en-gb",
        speakers=(A, B),
        speech=turns(
            "Sales, this is Alice. How can I help you?",
            "Good morning. I would like to order forty desk phones for our new office.",
            "With pleasure. Which model do you have in mind?",
            "The same as last year, please. And we need them by Friday.",
            "Friday is fine. I will send the offer this afternoon.",
            "Wonderful. Thank you, and goodbye.",
        ),
        facts={
            "callid": "1000014160",
            "direction": "incoming",
            "caller": "+442079460123",
            "caller_name": "Harbour Logistics",
            "called": "201",
            "called_name": "Alice Archer",
            "owner": "group 300 (Sales)",
            "agent": "Alice Archer",
            "skill": "Sales",
            "notice": "announced",
        },
        minutes_ago=0,
        form="ulaw",
        told_by="xml",
    ),
    DemoCall(
        title="ausgehendes Gespräch, Deutsch",
        voice="de",
        speakers=(C, D),
        speech=turns(
            "Guten Tag, hier spricht Petra Berger von der Hafenwerft. Sie haben um Rückruf gebeten.",
            "Ja, danke. Unsere Lieferung ist noch nicht angekommen.",
            "Einen Moment bitte, ich sehe nach. Sie ist heute früh aus Wien abgegangen.",
            "Dann kommt sie also morgen an?",
            "Ja, morgen vor zehn Uhr.",
            "Das genügt. Vielen Dank und auf Wiederhören.",
        ),
        facts={
            "callid": "1000014161",
            "direction": "outgoing",
            "caller": "214",
            "caller_name": "Petra Berger",
            "called": "+4315550142",
            "owner": "user 214 (Petra Berger)",
            "agent": "Petra Berger",
        },
        minutes_ago=4,
        form="alaw",
        told_by="info",
    ),
    DemoCall(
        title="appel interne, français",
        voice="fr-fr",
        speakers=(A, D),
        speech=turns(
            "Bonjour Marc, c'est Sophie. La salle de réunion est-elle libre à quinze heures ?",
            "Attends, je regarde. Oui, elle est libre jusqu'à seize heures.",
            "Parfait, je la réserve. Tu viens aussi ?",
            "Bien sûr. À tout à l'heure.",
        ),
        facts={
            "callid": "1000014163",
            "direction": "internal",
            "caller": "221",
            "caller_name": "Sophie Martin",
            "called": "222",
            "called_name": "Marc Petit",
            "owner": "user 221 (Sophie Martin)",
        },
        minutes_ago=11,
        form="opus",
        told_by="tags",
    ),
    DemoCall(
        title="llamada entrante, español",
        voice="es-419",
        speakers=(C, B),
        speech=turns(
            "Servicio al cliente, habla Lucía. ¿En qué puedo ayudarle?",
            "Buenos días. No puedo entrar en mi cuenta desde ayer.",
            "Lo siento mucho. ¿Me dice su número de cliente, por favor?",
            "Es el cuatro, siete, cero, dos.",
            "Gracias. Ya está desbloqueada. Pruebe otra vez, por favor.",
            "Sí, ahora funciona. Muchas gracias.",
        ),
        facts={
            "callid": "1000014170",
            "direction": "incoming",
            "caller": "+5255555501",
            "called": "205",
            "called_name": "Lucía Romero",
            "owner": "line 9 (Mexico trunk)",
            "agent": "Lucía Romero",
            "skill": "Support",
            "notice": "tone",
        },
        minutes_ago=23,
        form="g722",
        told_by="sidecar",
    ),
    DemoCall(
        title="conference of three, English",
        voice="en-us",
        speakers=(A, B, C),
        speech=(
            (0, "Thank you both for joining. Are we ready for the move on Saturday?"),
            (1, "The new lines are tested. We switch over at six in the morning."),
            (2, "And I have asked everybody to take their headsets home on Friday."),
            (0, "Very good. What if something goes wrong?"),
            (1, "Then we go back to the old system within ten minutes."),
            (2, "I will be on site the whole day."),
            (0, "Then nothing can happen. Until Saturday!"),
        ),
        facts={
            "callid": "1000014182",
            "direction": "internal",
            "parties": "201 (Alice Archer) [caller]; 230 (Ben Carter) [called]; 231 (Carla Dunn)",
            "owner": "user 201 (Alice Archer)",
            "target": "230",
        },
        days_ago=1,
        clock="16:42",
        form="opus",
        told_by="tags",
    ),
    DemoCall(
        title="chiamata in uscita con codice conto, italiano",
        voice="it",
        speakers=(D, A),
        speech=turns(
            "Buongiorno, studio legale Conti. La chiamo per la pratica Bianchi.",
            "Buongiorno avvocato. Ho i documenti pronti.",
            "Ottimo. Può mandarmeli entro domani?",
            "Certo, li spedisco oggi stesso.",
            "La ringrazio. Buona giornata.",
        ),
        facts={
            "callid": "1000014190",
            "direction": "outgoing",
            "caller": "240",
            "caller_name": "Dario Conti",
            "called": "+390255500199",
            "owner": "account code 7741 (Bianchi)",
            "account_code": "7741",
            "agent": "Dario Conti",
            "notice": "agent",
        },
        days_ago=1,
        clock="11:05",
        form="pcm",
        told_by="xml",
    ),
    DemoCall(
        title="inkomend gesprek, Nederlands",
        voice="nl",
        speakers=(B, C),
        speech=turns(
            "Goedemiddag, u spreekt met Jan de Boer.",
            "Dag, met Els Visser. Is mijn fiets al klaar?",
            "Ja hoor, u kunt hem vanaf vier uur ophalen.",
            "Fijn, dan kom ik straks langs. Dank u wel.",
        ),
        facts={"callid": "1000014195", "caller": "+31205550117", "called": "251", "owner": "user 251"},
        days_ago=1,
        clock="09:31",
        form="ulaw",
        told_by="filename",
    ),
    DemoCall(
        title="ligação recebida, português",
        voice="pt-br",
        speakers=(A, B),
        speech=turns(
            "Boa tarde, aqui é a Ana. Em que posso ajudar?",
            "Boa tarde. Quero mudar a data da minha reserva.",
            "Claro. Para quando o senhor deseja?",
            "Para a próxima terça-feira, se for possível.",
            "Está confirmado. Até terça!",
        ),
        facts={
            "callid": "1000014201",
            "direction": "incoming",
            "caller": "+551155550188",
            "called": "206",
            "called_name": "Ana Souza",
            "owner": "group 310 (Reservas)",
            "agent": "Ana Souza",
            "skill": "Reservas",
        },
        days_ago=2,
        clock="15:18",
        form="alaw",
        told_by="xml",
    ),
    DemoCall(
        title="исходящий звонок, русский",
        voice="ru",
        speakers=(C, D),
        speech=turns(
            "Здравствуйте, это Ольга из сервисного центра. Ваш телефон готов.",
            "Здравствуйте! Отлично. До которого часа вы работаете?",
            "Сегодня до восьми вечера.",
            "Хорошо, я приеду после шести. Спасибо!",
        ),
        facts={
            "callid": "1000014207",
            "direction": "outgoing",
            "caller": "218",
            "caller_name": "Ольга Смирнова",
            "called": "+74955550166",
            "owner": "user 218 (Ольга Смирнова)",
            "agent": "Ольга Смирнова",
        },
        days_ago=2,
        clock="13:56",
        form="pcm",
        told_by="info",
    ),
    DemoCall(
        title="呼入电话，中文",
        voice="cmn",
        speakers=(A, D),
        speech=turns(
            "您好，客户服务部，请问有什么可以帮您？",
            "您好，我想查询一下我的订单。",
            "好的，请告诉我订单号码。",
            "号码是三五七九。",
            "您的订单明天上午送到。",
            "好的，谢谢，再见。",
        ),
        facts={
            "callid": "1000014212",
            "direction": "incoming",
            "caller": "+862155550133",
            "called": "207",
            "called_name": "李娜",
            "owner": "group 320 (客户服务)",
            "agent": "李娜",
            "skill": "客户服务",
            "notice": "announced",
        },
        days_ago=3,
        clock="10:12",
        form="opus",
        told_by="tags",
    ),
)
