"""Where the oracle (DynamoDB Local) is known not to say what the service says, each with the reason.

A deviation names what it speaks of as narrowly as it can: the operation, the kind of difference, both errors. What it
accepts is counted and printed; two of our own sides must agree all the same.
"""
import collections
import re


class Deviation:
    """Patterns are searched for in "Type: message" of an error, "" for a success."""

    def __init__(self, name, reason, kinds, theirs="", ours="", operations="", when=None):
        self.name, self.reason, self.kinds = name, reason, kinds.split()
        self.theirs, self.ours, self.operations = re.compile(theirs, re.S), re.compile(ours, re.S), re.compile(operations)
        self.when = when

    def accepts(self, step, theirs, ours, kind):
        return (kind in self.kinds and self.operations.search(step.operation) is not None
                and self.theirs.search(text_of(theirs)) is not None and self.ours.search(text_of(ours)) is not None
                and (self.when is None or self.when(step, theirs, ours)))


def assert_reasoned(deviations):
    """Each has a name of its own, a reason, and kinds of differences that there are."""
    names = [deviation.name for deviation in deviations]
    assert len(set(names)) == len(names)
    for deviation in deviations:
        assert len(deviation.reason) > 20 and set(deviation.kinds) <= {"type", "message", "success", "content", "order"}


def text_of(outcome):
    return f"{outcome.error}: {outcome.message}" if outcome.error else ""


def message(name, reason, theirs, ours, operations=""):
    """Both refuse with the same type, in different words; the words that we use are the service's."""
    return Deviation(name, reason, "message", theirs, ours, operations)


APPLYING = ("The document path provided in the update expression is invalid for update|refers to an attribute that does not exist in the item"
            "|An operand in the update expression has an incorrect data type|only supports precision up to 38|Number overflow")


DEVIATIONS = [
    Deviation("internal failure", "Local fails inside where JSON has the wrong type or a name no meaning; the service refuses it with a reason.",
              "type", theirs="^InternalFailure", ours="^(SerializationException|ValidationException)"),
    message("words of CreateTable", "Local checks the shape of a table with texts of its own; ours are those of the service's documentation.",
            "^ValidationException", "^ValidationException", "^CreateTable$"),
    Deviation("throughput with PAY_PER_REQUEST", "The service refuses ProvisionedThroughput beside PAY_PER_REQUEST; Local ignores it.",
              "success", theirs="^$", ours="Neither ReadCapacityUnits nor WriteCapacityUnits can be specified", operations="^CreateTable$"),
    message("constraint", "Local leaves out how many errors were detected, and which constraint, of the framework's own checks.",
            "^ValidationException: (Value |Invalid table/index name|[0-9]+ validation error)", "^ValidationException: [0-9]+ validation errors? detected: "),
    message("number of keys", "A key of too few or too many attributes: the service speaks of the schema.",
            "The number of conditions on the keys is invalid", "The provided key element does not match the schema"),
    message("type of a key", "Local does not say which key and which types.",
            "One or more parameter values were invalid: Type mismatch for key$",
            "(Type mismatch for key .* expected: . actual: |The provided key element does not match the schema)"),
    message("type of an index key", "Local does not say which index and which types.", "Type mismatch for attribute to update|Type mismatch for Index Key$",
            "Type mismatch for Index Key|unsupported type|The provided key element does not match|overflow"),
    message("digits", "Local counts the digits in other words.", "DynamoDB only supports precision up to 38 digits",
            "Attempting to store more than 38 significant digits in a Number"),
    message("no number", "Local says in other words that a text is no number.", "A value provided cannot be converted into a number",
            "The parameter cannot be converted to a numeric value"),
    message("keys that are no scalars", "Local does not say what the type of the key's value is.", "Invalid attribute value type$",
            "Type mismatch for |The provided key element does not match the schema"),
    message("sets with duplicates", "Local does not show the members.", "Input collection of type BS contains duplicates", r"Input collection \[.*\]of type BS"),
    message("names of types", "Both list the same types, in different orders.", "Invalid attribute type name found", "Invalid attribute type name found"),
    message("key sizes", "Local says both limits in one text.", "Hash primary key values must be under 2048 bytes",
            "has exceeded the (maximum )?size limit|does not match the schema"),
    message("start outside", "Local has one text for a starting key of another partition and for one outside the range.",
            "The provided starting key does not match the range key predicate", "The provided starting key is outside query boundaries"),
    message("missing table", "Local has a text of its own for tables that do not exist.", "Cannot do operations on a non-existent table",
            "^ResourceNotFoundException: Requested resource not found"),
    message("path into a key", "An update of a path below a key attribute has two things wrong.", "This attribute is part of the key",
            "Key attributes must be scalars"),
    Deviation("item collections", "Local never reports ItemCollectionMetrics; the service does for tables with local indexes.", "content", "^$", "^$", "",
              lambda step, theirs, ours: {**ours.content, "ItemCollectionMetrics": 0} == {**theirs.content, "ItemCollectionMetrics": 0}),
    Deviation("two mistakes", "A request that was spoiled on purpose may be wrong in several ways; which one a server names first differs.", "message",
              "^ValidationException", "^ValidationException", "", lambda step, theirs, ours: step.spoiled),
    message("missing key", "Local does not say which key attribute an item lacks.", "One of the required keys was not given a value", "Missing the key .* in the item"),
    message("missing key condition", "Local does not say which key has no condition.", "Query condition missed key schema element$",
            "Query condition missed key schema element: "),
    message("null key", "The framework refuses an absent Key before the operation looks at it.", "Cannot have null key for", "at 'key' failed to satisfy constraint"),
    message("what an index does not project", "Of several attributes that an index lacks, the two name different ones first.",
            "does not project", "does not project", "^(Query|Scan)$"),
    message("order of refusals in an update", "An update that is refused for two reasons: which comes first is not documented.",
            APPLYING, APPLYING, "^(UpdateItem|TransactWriteItems)$"),
    Deviation("unasked capacity", "Local reports the capacity of deleting what is not there, also when nobody asked; and no ItemCollectionMetrics.",
              "content", "^$", "^$", "^DeleteItem$", lambda step, theirs, ours: {**theirs.content, "ConsumedCapacity": 0, "ItemCollectionMetrics": 0}
              == {**ours.content, "ConsumedCapacity": 0, "ItemCollectionMetrics": 0}),
    Deviation("REMOVE below nothing", "A path to remove is ignored when the whole item is missing; Local asks for its parent.", "success",
              "The document path provided in the update expression is invalid for update", "^$", "^UpdateItem$",
              lambda step, theirs, ours: "REMOVE" in step.request.get("UpdateExpression", "").upper()),
    Deviation("true as text", "Local takes texts and numbers for BOOL, NULL and other members; the service does not read them.", "success", "^$", "^SerializationException"),
    Deviation("JSON types first", "The service reads the whole request before it checks any of it; Local checks what it has read.", "type",
              "^(ValidationException|ResourceNotFoundException|TransactionCanceledException|ConditionalCheckFailed)", "^SerializationException"),
    Deviation("refused inside a transaction", "What an item's state refuses cancels the transaction with a reason; Local refuses the request.", "type",
              "^ValidationException", "^TransactionCanceledException", "^Transact",
              lambda step, theirs, ours: any(alike(theirs.message, reason.get("Message")) for reason in ours.content.get("CancellationReasons", []))),
    Deviation("key touched before the condition", "An update of a key attribute is refused by the schema, before the item is looked at.", "type",
              "^ConditionalCheckFailedException", "This attribute is part of the key|Key attributes must be scalars", "^UpdateItem$"),
    Deviation("the word size", "Local takes the reserved word size as a name.", "type success message", "", "reserved keyword: size$"),
    Deviation("empty values without expressions", "The service refuses values where no expression can use them; Local lets an empty map pass.", "success message type", "",
              "ExpressionAttribute(Values|Names) can only be specified when using expressions"),
    message("order of expressions", "The service reads a Query's KeyConditionExpression first, Local last.",
            "(Invalid (Filter|Projection)Expression|Value provided in ExpressionAttribute|does not project)",
            "Invalid KeyConditionExpression|KeyConditions or KeyConditionExpression parameter must be", "^Query$"),
    message("empty text in a key", "The service begins the text in two ways, one for Item and one for Key; Local in one.",
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty",
            "One or more parameter values were invalid: The AttributeValue for a key attribute cannot contain an empty"),
    message("end of duplicates", "Local leaves out the full stop of the inner text.", "contains duplicates( for key :|$)", r"contains duplicates\.( for key :|$)"),
    message("which paths overlap", "Of several paths Local may name one that does not overlap.", "Two document paths overlap", "Two document paths overlap"),
    message("select and filter of an index", "A Query that asks for all attributes of an index that lacks them has two mistakes.", "does not project",
            "Select type ALL_ATTRIBUTES is not supported", "^(Query|Scan)$"),
    message("filter and projection of an index", "A filter by a key attribute beside attributes that the index lacks: two mistakes.",
            "Filter Expression can only contain non-primary key attributes", "does not project", "^Query$"),
    Deviation("empty member names", "Local refuses an empty name inside a map; no source says that the service does.", "success message type content",
              "Empty attribute name", ""),
    Deviation("zero of a large exponent", "0e126 is refused by the service although it is zero; Local does not refuse it everywhere.", "success type message",
              "", "Number (over|under)flow", "", lambda step, theirs, ours: re.search('"[-+]?0+e', str(step.request).replace("'", '"'), re.I)),
    Deviation("start key at the end", "A starting key at the last key that the condition allows leaves nothing to read; Local refuses it.", "success",
              "The provided starting key does not match the range key predicate", "^$", "^Query$",
              lambda step, theirs, ours: ours.content.get("Count") == 0),
    Deviation("actions without values", "An update without a value is refused before the condition is tried.", "type success", "^(ConditionalCheckFailedException|$)",
              "Only DELETE action is allowed when no attribute value is specified", "^UpdateItem$"),
    Deviation("one item twice", "A transaction that names an item twice is refused before any of its conditions is tried.", "type success",
              "^(TransactionCanceledException|$)", "Transaction request cannot include multiple operations on one item", "^Transact"),
    message("start key last", "A starting key outside the range is the last thing that the service looks at.", "The provided starting key", "", "^Query$"),
    message("placeholders first", "Names and values are checked before keys and items.", "", "^ValidationException: ExpressionAttribute(Names|Values) (must not be empty|can only be)"),
    message("empty values", "An empty map of values, and nothing that could use it: two mistakes.", "ExpressionAttribute(Values|Names) must not be empty",
            "ExpressionAttribute(Values|Names) can only be specified when using expressions"),
    Deviation("conditions beside a refused action", "A transaction with an action that is invalid is cancelled for that; Local also tries the conditions of others.",
              "content", "^TransactionCanceledException", "^TransactionCanceledException", "^TransactWriteItems$",
              lambda step, theirs, ours: "ValidationError" in codes(ours) and len(codes(ours)) == len(codes(theirs))
              and all(other in (one, "None") or (one, other) == ("ConditionalCheckFailed", "ValidationError")
                      for one, other in zip(codes(theirs), codes(ours)))),
    Deviation("empty words", "Local takes an empty text where one of some words must stand for nothing at all; the service refuses it.",
              "success type message content", "", "Value '' at '[a-zA-Z]+' failed to satisfy constraint: Member must satisfy enum value set"),
    Deviation("throughput of nothing", "The framework refuses a ProvisionedThroughput without its numbers, whatever the billing mode; Local ignores it.",
              "success", "^$", "Value null at 'provisionedThroughput.", "^CreateTable$"),
    message("start key and projection", "A start key outside the range and a path into a key attribute are two mistakes.",
            "Key attributes must be scalars", "The provided starting key", "^(Query|Scan)$"),
    message("projection and key condition", "A path into a key attribute beside a key condition that is none are two mistakes.",
            "Key attributes must be scalars", "Invalid operator used in KeyConditionExpression|Query key condition not supported", "^Query$"),
    Deviation("lost between pages", "Where a page of an index ends between items with the same index key, Local may go on behind all of them.", "content", "^$", "^$",
              "^(Query|Scan)$", lambda step, theirs, ours: step.kind == "pages" and "IndexName" in step.request and "Limit" in step.request
              and collections.Counter(theirs.content.get("Items", [])) < collections.Counter(ours.content.get("Items", []))),
    Deviation("capacity enum", "Local does not check the value of ReturnConsumedCapacity, ConditionalOperator and their like.", "success type content", "^(|[A-Za-z]*)",
              "at '[a-zA-Z0-9.]*(returnValues|conditionalOperator|returnConsumedCapacity|returnItemCollectionMetrics|returnValuesOnConditionCheckFailure|ReturnValuesOnConditionCheckFailure)' failed to satisfy constraint"),
    Deviation("transactional reads refused", "Local cancels a transactional read for a wrong key without reasons.", "content", "^TransactionCanceledException",
              "^TransactionCanceledException", "^TransactGetItems$", lambda step, theirs, ours: not theirs.content and "ValidationError" in codes(ours)),
    Deviation("reasons left out", "For some refusals Local gives the one reason that counts; the service one for each action.", "content",
              "^TransactionCanceledException", "^TransactionCanceledException", "^TransactWriteItems$",
              lambda step, theirs, ours: len(codes(theirs)) == 1 < len(codes(ours)) and codes(theirs)[0] in codes(ours)),
    message("bounds as written", "Local shows a number as it was written.", "requires upper bound to be greater", "requires upper bound to be greater"),
    Deviation("partial documents", "UPDATED_OLD and UPDATED_NEW give of a nested path that path alone; Local gives the whole attribute.", "content", "^$", "^$",
              "^UpdateItem$", lambda step, theirs, ours: str(step.request.get("ReturnValues")).startswith("UPDATED")
              and ours.content.get("Attributes", {}).keys() == theirs.content.get("Attributes", {}).keys()
              and part(ours.content, {**theirs.content, "ItemCollectionMetrics": ours.content.get("ItemCollectionMetrics")})),
    message("shape of a start key", "Local has a text of its own for this mistake.", "Exclusive Start Key must have same size", "The provided starting key is invalid"),
    message("empty item in a batch", "Local has a text of its own for this mistake.", "Item to put in PutItem cannot be null", "Missing the key"),
    message("duplicates first", "A key of a wrong type among keys that come twice: two mistakes.", "Provided list of item keys contains duplicates|multiple operations on one item",
            "Key attributes must be scalars|Type mismatch for|does not match the schema|Missing the key|empty string value"),
    message("digits of a sum", "A sum that needs more than 38 digits is an overflow to the service.", "DynamoDB only supports precision up to 38 digits", "Number overflow"),
    message("empty key in a batch", "Local has a text of its own for this mistake.", "may not contain null or empty values", "The provided key element does not match the schema"),
    Deviation("empty lists of indexes", "The service refuses an empty list of indexes; Local takes it for none.", "success", "^$",
              "List of (Local|Global)SecondaryIndexes is empty", "^CreateTable$"),
    Deviation("unused definitions", "The service refuses AttributeDefinitions that no key uses; Local only without indexes.", "success", "^$",
              "Some AttributeDefinitions are not used|Number of attributes in KeySchema does not exactly match", "^CreateTable$"),
    Deviation("earlier refusal", "A request with several mistakes is refused for the first in the service's order of checks; Local has another order.",
              "message type content", ".", ".", "", lambda step, theirs, ours: refused_earlier(step, theirs, ours)),
    message("select first", "What a Query may select is checked before its conditions; Local does it last.", "^ValidationException",
            "Select type|Consistent reads are not supported|ALL_PROJECTED_ATTRIBUTES can", "^(Query|Scan)$"),
    Deviation("empty lists", "Local does not check the least lengths of lists.", "success type", "", r"Value '\[\]' at '.*' failed to satisfy constraint"),
    message("update of an index key", "Local tells updates from puts, and looks for empty values before types.", "attempted to update a secondary index key",
            "A value specified for a secondary index key is not supported|Type mismatch for Index Key"),
    Deviation("union of number sets", "Local takes a number that is in both sets of a legacy ADD for a duplicate, when it is written with an exponent.",
              "success", "^ValidationException: Input collection contains duplicates", "^$", "^UpdateItem$"),
    Deviation("null list of keys", "Local refuses a table without keys in a batch.", "success", "has empty list", "^$", "^BatchGetItem$"),
    Deviation("type of a local index key", "Local lets an update give the key of a local index a type that the index does not take.", "success",
              "^$", "Type mismatch for Index Key|unsupported type", "^UpdateItem$"),
    Deviation("path into a key of a check", "Local looks for paths below key attributes in all conditions but those of a ConditionCheck.", "success",
              "^$", "^TransactionCanceledException", "^TransactWriteItems$",
              lambda step, theirs, ours: any("Key attributes must be scalars" in str(reason.get("Message")) for reason in ours.content["CancellationReasons"])),
    Deviation("NOT_CONTAINS of bytes", "Local compares bytes that are no UTF-8 as text.", "content", "^$", "^$", "^(Query|Scan)",
              lambda step, theirs, ours: re.search("NOT_CONTAINS.*'B': ", str(step.request))),
    message("path into a key, and more", "A path below a key attribute beside another mistake: Local names the path first.",
            "Key attributes must be scalars", "does not match the schema|SPECIFIC_ATTRIBUTES", "^(GetItem|Query|Scan)$"),
    message("empty value in a start key", "Local begins the text in one way for all members.", "ValidationException: Supplied AttributeValue is empty",
            "The provided starting key is invalid: Supplied AttributeValue is empty", "^(Query|Scan)$"),
    message("key of a wrong type in a legacy update", "A key attribute may not be updated at all, whatever the value's type.",
            "Type mismatch for attribute to update", "Cannot update attribute .* This attribute is part of the key", "^UpdateItem$"),
    Deviation("words inside a transaction", "The reasons of a cancelled transaction are worded as errors are; Local ends some with a point.", "content",
              "^TransactionCanceledException", "^TransactionCanceledException", "", lambda step, theirs, ours: same_reasons(theirs, ours)),
]


def alike(theirs, ours):
    """Whether two texts say the same in the words of Local and of the service."""
    theirs, ours = ((text or "").rstrip(".") for text in (theirs, ours))
    return theirs == ours or any(deviation.kinds == ["message"] and deviation.when is None and deviation.theirs.search(f"ValidationException: {theirs}")
                                 and deviation.ours.search(f"ValidationException: {ours}") for deviation in DEVIATIONS)


# The service's order of checks, as far as it is documented.
ORDER = [re.compile(pattern) for pattern in (
    "^SerializationException", "validation errors? detected|Can not use both",
    "ExpressionAttribute(Names|Values) (contains|must not|can only)|Supplied AttributeValue|numeric value|Number (over|under)flow|significant digits"
    "|contains duplicates|may not be empty|should not be empty|Null attribute value|only supports precision|converted into a number",
    "Invalid (Update|Condition|KeyCondition|Filter|Projection)Expression|The BETWEEN condition|Only DELETE action|KeyConditionExpression parameter must",
    "unused in expressions", "multiple operations on one item|list of item keys contains duplicates", "^ResourceNotFoundException",
    "schema|Type mismatch|Missing the key|required keys|empty (string|binary) value|Invalid attribute value type|size limit|2048 bytes|must be scalars|Cannot update attribute"
    "|starting key|does not project|Consistent reads|Select type|ALL_PROJECTED|SPECIFIC_ATTRIBUTES|conditions on the keys|Start Key", "^ConditionalCheckFailed",
    "document path|refers to an attribute|incorrect data type")]
SCHEMA = 7


def rank(text):
    return next((at for at, pattern in enumerate(ORDER) if pattern.search(text)), None)


def refused_earlier(step, theirs, ours):
    """Several items of a batch may each have a mistake of the same kind."""
    texts = [[text_of(outcome), *(f"{reason.get('Message')}" for reason in outcome.content.get("CancellationReasons", []))] for outcome in (theirs, ours)]
    ranks = [[found for found in map(rank, some) if found is not None] for some in texts]
    if theirs.error == "TransactionCanceledException" and not ranks[0]:
        ranks[0] = [8]
    if not ranks[0] or not ranks[1]:
        return False
    first, second = min(ranks[0]), min(ranks[1])
    return second < first or second == first == SCHEMA and step.operation.startswith(("Batch", "Transact"))


def part(some, whole):
    """Whether `some` is `whole` with members left out."""
    if isinstance(some, dict) and isinstance(whole, dict):
        return all(name in whole and part(content, whole[name]) for name, content in some.items())
    if isinstance(some, list) and isinstance(whole, list) and len(some) < len(whole):
        rest = iter(whole)
        return all(any(part(one, other) for other in rest) for one in some)
    return some == whole


def codes(outcome):
    return [reason.get("Code") for reason in outcome.content.get("CancellationReasons", [])]


def same_reasons(theirs, ours):
    pairs = [outcome.content.get("CancellationReasons", []) for outcome in (theirs, ours)]
    return len(pairs[0]) == len(pairs[1]) and all(
        one.get("Code") == other.get("Code") and one.get("Item") == other.get("Item") and alike(one.get("Message"), other.get("Message"))
        for one, other in zip(*pairs))


class Accepted:
    """Callable as the lab wants it; counts by name."""

    def __init__(self, deviations=None):
        self.deviations = DEVIATIONS if deviations is None else deviations
        self.counts = {}

    def __call__(self, step, theirs, ours, kind):
        for deviation in self.deviations:
            if deviation.accepts(step, theirs, ours, kind):
                self.counts[deviation.name] = self.counts.get(deviation.name, 0) + 1
                return deviation.name
        return None
