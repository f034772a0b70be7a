# The functions of jq 1.7 that are written in jq. Those that call others come after them; names that
# begin with "_" are internal.

def empty: {}[] as $x | .;
def null: [][0];
def true: 0 == 0;
def false: 0 != 0;
def not: if . then false else true end;
def error: error_empty as $x | .;
def error(message): message | error;
def select(f): if f then . else empty end;
def map(f): [.[] | f];

# Types and numbers
def nan: "nan" | _tonumber;
def infinite: 1e1000 + 0;
def type:
    if . == null then "null"
  elif . == true or . == false then "boolean"
  elif . < "" then "number"
  elif . < [] then "string"
  elif . < {} then "array"
  else "object" end;
def _key: if type == "string" then . else error("Object keys must be strings") end;
def _array: if type == "array" or . == null then . else error("Cannot index " + type + " with number") end;
def tostring: if type == "string" then . else tojson end;
def isnan: . < nan and nan < .;
def isinfinite: . == infinite or . == -infinite;
def isfinite: type == "number" and (isinfinite | not);
def isnormal: type == "number" and (. == 0 or isnan or isinfinite | not);
def values: select(. != null);
def nulls: select(. == null);
def booleans: select(type == "boolean");
def numbers: select(type == "number");
def finites: select(isfinite);
def normals: select(isnormal);
def strings: select(type == "string");
def arrays: select(type == "array");
def objects: select(type == "object");
def iterables: select(type == "array" or type == "object");
def scalars: select(type != "array" and type != "object");
def logb: if . == 0.0 then -infinite elif isinfinite then infinite elif isnan then . else ilogb + 0.0 end;
def significand:
  if isinfinite or isnan then . elif . == 0.0 then 0.0 else scalbln(.; ilogb | -1 * .) end;
def pow10: pow(10.0; .);
def drem($l; r): remainder($l; r) | if . == 0 then copysign(.; $l) end;
def nexttoward(x; y): nextafter(x; y);
def scalb(x; e): x * pow(2.0; e);
def gamma: lgamma;
def lgamma_r: [lgamma, if . < 0 and (floor | . % 2 != 0) then -1 else 1 end];

# Generators
def range($from; $upto): range($from; $upto; 1);
def range($upto): range(0; $upto);
def repeat(f): def rec: f, rec; rec;
def recurse(f): def rec: ., (f | rec); rec;
def recurse: recurse(.[]?);
def recurse(f; condition): recurse(f | select(condition));
def while(condition; update): def rec: if condition then ., (update | rec) else empty end; rec;
def until(condition; update): def rec: if condition then . else update | rec end; rec;
def limit($n; f): if $n < 0 then error("limit doesn't support negative count") else _limit($n; f) end;
def skip($n; f): if $n < 0 then error("skip doesn't support negative count") else _skip($n; f) end;
def first: .[0];
def last: .[-1];
def nth($n): .[$n];

def abs: if type == "number" then (if . < 0 then -. else . end) else error("\(type) has no absolute value") end;
def toarray: if type == "array" then . else [.] end;
def ascii: [.] | implode;
def add(f): reduce f as $x (null; . + $x);
def add: add(.[]);
def isvalid(f): try (f | true) catch false;
def have_literal_numbers: true;
def have_decnum: true;

# There is one document and no file.
def input: error("No more inputs");
def inputs: empty;
def input_filename: null;
def input_line_number: 0;
def env: $ENV;
def debug: .;
def debug(msgs): .;
def stderr: .;
def halt: halt(0);
def halt_error(code): halt(0);
def halt_error: halt(0);

# Paths
def getpath($path): reduce $path[] as $p (.; .[$p]);
def _assign(paths; $value): reduce path(paths) as $p (.; setpath($p; $value));
def _modify(paths; update):
  reduce path(paths) as $p ([., []];
    . as [$dot, $deleted]
    | [$dot | getpath($p) | first(update)] as $new
    | if $new | length > 0 then [($dot | setpath($p; $new[0])), $deleted]
      else [$dot, $deleted + [$p]] end)
  | . as [$dot, $deleted] | $dot | delpaths($deleted);
def del(f): delpaths([path(f)]);
def to_entries: [keys_unsorted[] as $k | {key: $k, value: .[$k]}];
def from_entries: reduce .[] as $e ({};
  . + {($e | if type != "object" then .key
         else ([.key, .k, .name, .Name, .Key, .K] | map(values) | first) as $k
         | if $k == null and .key == false then false else $k end end
       | if type == "string" then . elif type == "null" or type == "boolean" or type == "number" then tojson
         else error("Cannot use \(type) as object key") end):
       ($e | if has("value") then .value elif has("v") then .v else .Value end)});
def with_entries(f): to_entries | map(f) | from_entries;
def map_values(f): .[] |= f;
def walk(f): def w: if type == "object" then map_values(w) elif type == "array" then map(w) else . end | f; w;
def pick(f): . as $in | reduce path(f) as $p (null; setpath($p; $in | getpath($p)));
def paths: path(..) | select(length > 0);
def paths(f): path(.. | select(f)) | select(length > 0);
def leaf_paths: paths(scalars);
def recurse_down: recurse;
def tostream: path(def r: (.[]?|r), .; r) as $p | getpath($p) | reduce path(.[]?) as $q ([$p, .]; [$p + $q]);
def fromstream(f): {x: null, e: false} as $init
  | foreach f as $i ($init;
      if .e then $init else . end
      | if $i | length == 2
        then setpath(["e"]; $i[0] | length == 0) | setpath(["x"] + $i[0]; $i[1])
        else setpath(["e"]; $i[0] | length == 1) end;
      if .e then .x else empty end);
def truncate_stream(f): . as $n | null | f | . as $i
  | if (.[0] | length) > $n then setpath([0]; $i[0][$n:]) else empty end;

def keys: keys_unsorted | sort;
def min_by(f): reduce min_by_or_empty(f) as $x (null; $x);
def max_by(f): reduce max_by_or_empty(f) as $x (null; $x);
def min: min_by(.);
def max: max_by(.);
def unique_by(f): [group_by(f)[] | .[0]];
def unique: unique_by(.);
def in(f): . as $x | f | has($x);
def inside(f): . as $x | f | contains($x);

# Arrays
def join($x): reduce .[] as $i (null;
  (if . == null then "" else . + $x end)
  + ($i | if type == "boolean" or type == "number" then tojson else . // "" end)) // "";
def _flatten($depth): reduce .[] as $i ([];
  if ($i | type) == "array" and $depth != 0 then . + ($i | _flatten($depth - 1)) else . + [$i] end);
def flatten($depth): if $depth < 0 then error("flatten depth must not be negative") else _flatten($depth) end;
def flatten: _flatten(1e9);
def combinations:
  if length == 0 then [] else .[0][] as $x | .[1:] | combinations | [$x] + . end;
def combinations($n): . as $in | [range($n) | $in] | combinations;
def transpose: [range(0; map(length) | max // 0) as $i | [.[][$i]]];
def range($from; $upto; $by):
    if $by > 0 then $from | while(. < $upto; . + $by)
  elif $by < 0 then $from | while(. > $upto; . + $by)
  else empty end;
def nth($n; f): if $n < 0 then error("nth doesn't support negative indices") else first(skip($n; f)) end;
def isempty(f): first((f | false), true);
def all(f; condition): isempty(f | condition and empty);
def any(f; condition): isempty(f | condition or empty) | not;
def all(condition): all(.[]; condition);
def any(condition): any(.[]; condition);
def all: all(.[]; .);
def any: any(.[]; .);
def indices($i):
    if . == null then null
  elif type == "array" and ($i | type) == "array" then .[$i]
  elif type == "array" then .[[$i]]
  else _indices($i) end;
def index($i): indices($i) | .[0];
def rindex($i): indices($i) | .[-1:][0];
def INDEX(f; key): reduce f as $row ({}; .[$row | key | tostring] = $row);
def INDEX(key): INDEX(.[]; key);
def JOIN($index; key): [.[] | [., $index[key]]];
def JOIN($index; f; key): f | [., $index[key]];
def JOIN($index; f; key; join): f | [., $index[key]] | join;
def IN(f): any(f == .; .);
def IN(source; f): any(source == f; .);

# Text
def ltrimstr($x): if type == "string" and ($x | type) == "string" and startswith($x) then .[$x | length:] else . end;
def rtrimstr($x): if type == "string" and ($x | type) == "string" and endswith($x) then .[:length - ($x | length)] else . end;
def trimstr($x): ltrimstr($x) | rtrimstr($x);
def tonumber:
  if type == "number" then . elif type == "string" then _tonumber
  else error("\(type) cannot be parsed as a number") end;
def toboolean:
  if type == "boolean" then . elif . == "true" then true elif . == "false" then false
  else error("\(type) cannot be parsed as a boolean") end;
def match($re; $flags): _match($re; $flags)[];
def match($re): if $re | type == "array" then match($re[0]; $re[1]) else match($re; null) end;
def test($re; $flags): _match($re; $flags) | length > 0;
def test($re): if $re | type == "array" then test($re[0]; $re[1]) else test($re; null) end;
def _captures: reduce (.captures[] | select(.name != null)) as $c ({}; .[$c.name] = $c.string);
def capture($re; $flags): match($re; $flags) | _captures;
def capture($re): match($re) | _captures;
def scan($re; $flags): match($re; "g" + $flags) | if .captures | length > 0 then [.captures[].string] else .string end;
def scan($re): scan($re; null);
def split($sep): if type == "string" and ($sep | type) == "string" then . / $sep
  else error("split input and separator must be strings") end;
def split($re; $flags): _gaps($re; $flags + "g");
def splits($re; $flags): split($re; $flags)[];
def splits($re): splits($re; null);
def sub($re; f; $flags): . as $in | _gaps($re; $flags) as $gaps
  | (reduce match($re; $flags) as $m ({result: [], number: 0};
       $gaps[.number] as $gap
       | [$m | _captures | f] as $inserts
       | reduce range($inserts | length) as $i (.; .result[$i] += $gap + $inserts[$i])
       | .number += 1)
     | .result[] + $gaps[-1]) // $in;
def sub($re; f): sub($re; f; "");
def gsub($re; f; $flags): sub($re; f; $flags + "g");
def gsub($re; f): sub($re; f; "g");

# Dates
def dateadd(unit; $n): . + $n;
def datesub(unit; $n): . - $n;
def todate: strftime("%Y-%m-%dT%H:%M:%SZ");
def fromdate: fromdateiso8601;
def date: todate;

# Formats
def @text: tostring;
def @json: tojson;
def _row(text; $format): if type != "array" then error("\(type) cannot be \($format)-formatted, only an array can be") else
  map(if type == "string" then text elif . == null then ""
    elif type == "array" or type == "object" then error("\(type) is not valid in a \($format) row")
    else tojson end) end;
def _escape($from; $to): split($from) | join($to);
def @csv: _row("\"" + _escape("\""; "\"\"") + "\""; "csv") | join(",");
def @tsv: _row(_escape("\\"; "\\\\") | _escape("\t"; "\\t") | _escape("\n"; "\\n") | _escape("\r"; "\\r"); "tsv") | join("\t");
def @html: tostring | escape_html;
def @uri: tostring | encode_uri;
def @urid: tostring | decode_uri;
def @sh: [if type == "array" then .[] else . end
  | if type == "string" then "'" + _escape("'"; "'\\''") + "'"
    elif type == "array" or type == "object" then error("\(type) can not be escaped for shell")
    else tojson end] | join(" ");
def @base64: tostring | encode_base64;
def @base64d: tostring | _base64d;
def @base32: tostring | _base32;
def @base32d: tostring | _base32d;
def format($name):
    if $name == "text" then @text elif $name == "json" then @json elif $name == "csv" then @csv
  elif $name == "tsv" then @tsv elif $name == "html" then @html elif $name == "uri" then @uri
  elif $name == "sh" then @sh elif $name == "base64" then @base64 elif $name == "base64d" then @base64d
  elif $name == "base32" then @base32 elif $name == "base32d" then @base32d
  else error("\($name) is not a valid format") end;
