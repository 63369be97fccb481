"""The built-in mapping, in the words that administrators use: it finds the usual names of each field.

The embedded layout of Voice Recording Library files is not published; these are the names that recorders of the same
family use in their exports, plus the plain names of the fields. A first real site says the rest in its settings.
"""

from plugins.ipoffice.vrl.rules import parse_rules

DEFAULT_RULES = parse_rules(
    """
call_id = any:call_id | any:callref | any:switch_call_id | any:ucid | any:globalcallid
started_at = any:started_at | any:start_time | any:startedat | any:call_start | any:start
started_at = riff:bext.OriginationTime | riff:INFO.ICRD | riff:INFO.IDIT | riff:id3.TDRC | id3:TDRC | ogg:DATE
direction = any:direction | any:call_direction
parties = any:parties | any:party | any:participants | any:participant
caller = any:caller | any:calling_party | any:calling_number | any:callingparty | any:ani | any:cli | any:from
caller_name = any:caller_name | any:calling_name
called = any:called | any:called_party | any:called_number | any:calledparty | any:dnis | any:to
called_name = any:called_name
owner = any:owner | any:recording_owner
owner_kind = any:owner_kind | any:owner_type | any:owner.kind | any:owner.type | any:recording_owner.type
owner_name = any:owner_name | any:owner.name | any:recording_owner.name
agent = any:agent | any:agents | any:agent_name | any:employee_name | riff:INFO.IART
target = any:target | any:target_number | any:dialled_number | any:dialed_number | any:numberdialed
skill = any:skill | any:skills | any:hunt_group
notice = any:notice | any:consent | any:advice
notice_by = any:notice_by | any:notice.by
notice_at = any:notice_at | any:notice.at
mixed = any:mixed
"""
)
