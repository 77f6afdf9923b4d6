/* The serial line of the host build: a pseudo-terminal, and what is wrong with it. */
#ifndef LINE_H
#define LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    int master;       /* -1 once it is unplugged */
    int slave;        /* held open, so that the line stays when the host closes it */
    bool dead;        /* hears nothing and says nothing */
    bool garble;      /* says nonsense */
    double delay_s;   /* how late everything is said */
    double corrupt;   /* probability that a byte is damaged, both ways */
    uint32_t noise;   /* state of the generator behind it */
} line_t;

double now_s(void);

/* Opens the pseudo-terminal; gives its path, NULL when there is none. */
const char *line_open(line_t *line);

/* Bytes from the host into `data`, damaged where the line is bad; 0 when there are none. */
size_t line_read(line_t *line, uint8_t *data, size_t n);

/* Bytes for the host: they go out when their delay is over. */
void line_post(line_t *line, const uint8_t *data, size_t n);

/* Sends what is due; gives the milliseconds until the next, at most `wait_ms`. */
int line_flush(line_t *line, int wait_ms);

void line_unplug(line_t *line);

#endif
