/* symbols_space.c - what is mapped where, in a process and its forked children.
 *
 * The trap it exists for: a hundred children, each with a copy of what their parent has, which they never change. */
#include <stdlib.h>
#include <string.h>

#include "grader/blocking/symbols_inside.h"

void space_leave(struct space *space)
{
    if (!space || --space->users > 0)
        return;
    for (size_t i = 0; i < space->count; i++)
        free(space->maps[i].path);
    free(space->maps);
    free(space);
}

struct space *space_own(struct space *space)
{
    if (space && space->users == 1)
        return space;
    struct space *own = calloc(1, sizeof *own);
    if (!own)
        return NULL;
    own->users = 1;
    if (!space)
        return own;
    own->room = space->count;
    if (!(own->maps = malloc(space->count * sizeof *own->maps + 1))) {
        free(own);
        return NULL;
    }
    for (size_t i = 0; i < space->count; i++) {
        own->maps[own->count] = space->maps[i];
        if ((own->maps[own->count].path = strdup(space->maps[i].path)))
            own->count++;
    }
    space_leave(space);
    return own;
}

size_t space_find(const struct space *space, uint64_t address)
{
    size_t low = 0, high = space ? space->count : 0;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (space->maps[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool space_has(const struct space *space, const struct map *map)
{
    size_t at = space_find(space, map->begin);
    if (!space || at == space->count)
        return false;
    const struct map *is = &space->maps[at];
    return is->begin == map->begin && is->end == map->end && is->offset == map->offset && !strcmp(is->path, map->path);
}

void space_put(struct space *space, const struct map *map)
{
    size_t from = space_find(space, map->begin), to = from;
    while (to < space->count && space->maps[to].begin < map->end)
        free(space->maps[to++].path);
    if (from == to && space->count == space->room) {
        size_t room = space->room ? 2 * space->room : 32;
        struct map *maps = realloc(space->maps, room * sizeof *maps);
        if (!maps) {
            free(map->path);
            return;
        }
        space->maps = maps;
        space->room = room;
    }
    memmove(&space->maps[from + 1], &space->maps[to], (space->count - to) * sizeof *map);
    space->count += 1 - (to - from);
    space->maps[from] = *map;
}
