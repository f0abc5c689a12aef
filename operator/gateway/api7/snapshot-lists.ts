import { canonicalText } from "./canonical.ts";
import type { JsonText } from "./json-text.ts";
import { isObject, type JsonObject, type JsonValue } from "./render-merge.ts";
import { type Oddity, odditiesIn, pluginsOf } from "./snapshot-oddities.ts";
import { itemID, type Refers, refersOf } from "./snapshot-references.ts";
import { type Room, Unreadable } from "./snapshot-room.ts";

/** What is kept of an item that was read. */
export interface Item {
  id: string | undefined;
  /** The same for the same content. */
  text: string;
  /** The gateway group that it names. */
  group?: string;
  refers?: Refers;
  oddities?: readonly Oddity[];
  /** Names of plugins that it configures; items with the same ones share one list. */
  plugins?: readonly string[];
}

export interface List {
  items: readonly Item[];
  /** It is no list, or something in it is no object. */
  isNone: boolean;
}

/** There are not twenty kinds; each takes memory, and a warning where it is not known. */
const KINDS_MAX = 1_000;

/**
 * The lists of a resource object, read item by item: of what was parsed there is never more than one item at a time.
 * @throws Unreadable
 */
export async function readLists(text: JsonText, room: Room): Promise<Map<string, List>> {
  const lists = new Map<string, List>();
  const shared: Shared = new Map();
  if (!text.take("{")) throw noObject(text, room);
  if (!text.take("}")) {
    do {
      const kind = next(text, room, 0);
      if (typeof kind !== "string" || !text.take(":")) throw new Unreadable("notJson");
      if (lists.size === KINDS_MAX) throw new Unreadable("tooLarge");
      // Of a name that comes twice the last counts, as it does for every reader.
      lists.set(kind, text.take("[") ? await readList(text, room, shared) : noList(text, room));
    } while (text.take(","));
    if (!text.take("}")) throw new Unreadable("notJson");
  }
  if (!text.ended()) throw new Unreadable("notJson");
  return lists;
}

/** @throws Unreadable */
export function readObject(text: JsonText, room: Room): JsonObject {
  const value = next(text, room, 0);
  if (!text.ended()) throw new Unreadable("notJson");
  if (!isObject(value)) throw new Unreadable("noObject");
  return value;
}

async function readList(text: JsonText, room: Room, shared: Shared): Promise<List> {
  const items: Item[] = [];
  let isNone = false;
  if (text.take("]")) return { items, isNone };
  do {
    const value = next(text, room, 2);
    if (isObject(value)) items.push(itemOf(value, room, shared));
    else isNone = true;
    if (room.turnIsOver) await room.nextTurn();
  } while (text.take(","));
  if (!text.take("]")) throw new Unreadable("notJson");
  return { items, isNone };
}

function noList(text: JsonText, room: Room): List {
  next(text, room, 1);
  return { items: [], isNone: true };
}

function noObject(text: JsonText, room: Room): Unreadable {
  next(text, room, 0);
  return new Unreadable(text.ended() ? "noObject" : "notJson");
}

function next(text: JsonText, room: Room, within: number): JsonValue {
  const extent = text.value();
  room.admit(extent, within);
  try {
    return JSON.parse(text.read(extent)) as JsonValue;
  } catch {
    // The parser's own message quotes the text: never hand it on.
    throw new Unreadable("notJson");
  }
}

/** Lists of plugin names by their text: most items of a gateway have the same few. */
type Shared = Map<string, readonly string[]>;

function sharedPlugins(value: JsonObject, room: Room, shared: Shared): readonly string[] | undefined {
  const names = pluginsOf(value);
  if (names.length === 0) return undefined;
  const key = names.join("\n");
  const known = shared.get(key);
  if (known !== undefined) return known;
  room.keep([key, ...names]);
  shared.set(key, names);
  return names;
}

function itemOf(value: JsonObject, room: Room, shared: Shared): Item {
  const item: Item = { id: itemID(value), text: canonicalText(value) };
  const group = value["gateway_group_id"];
  if (typeof group === "string" && group !== "") item.group = group;
  const refers = refersOf(value);
  if (refers) item.refers = refers;
  const oddities = odditiesIn(value, item.text);
  if (oddities.length > 0) item.oddities = oddities;
  const plugins = sharedPlugins(value, room, shared);
  if (plugins) item.plugins = plugins;
  const odd = oddities.flatMap(({ path, name }) => [path, name]);
  room.keep([item.text, item.id, item.group, ...Object.values(refers ?? {}), ...odd]);
  return item;
}
