/*
 * A closed loop over connections that outlive it: for short turns, in which opening them would weigh, and between which
 * they are idle. kept-load.ts compiles it, starts one for each subject and has it work when that one's turn has come.
 *
 *     kept-load PORT CONNECTIONS REQUESTS
 *
 * REQUESTS is a file of requests as they are sent, each behind a line with its length; they are sent one after the other, over and over.
 * Each line on standard input is a number of milliseconds: each connection sends a request and the next one when that is answered,
 * until the time is over; then what is under way is waited for, so that all that was sent is counted, and a line of figures follows on standard output.
 *
 * Invariants: between two lines nothing is under way. An answer is a head with Content-Length and its body; whatever else
 * a server sends is a failure of its connection, which is opened anew.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { head_max = 16384, piece_max = 1 << 18, silent_ms = 10000 };

struct request {
    char *bytes;
    size_t length;
};

struct connection {
    int fd; /* -1: to be opened */
    const struct request *request;
    size_t sent;
    uint64_t begun_us;
    /* Of the answer: the head as far as it has come, and of the body what is still to come once the head is whole. */
    char head[head_max];
    size_t head_length;
    int head_whole, status, closes;
    uint64_t body_left;
    int working;
};

static struct request *requests;
static size_t request_count, next_request;
static struct connection *connections;
static int connection_count, port, epoll;
static char piece[piece_max];

/* Of one turn. */
static uint64_t answers, bytes_read, bad_status, errored;
static uint32_t *durations; /* microseconds */
static size_t durations_room;
static int under_way;

static void fail(const char *what) {
    fprintf(stderr, "kept-load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void read_requests(const char *path) {
    FILE *file = fopen(path, "rb");
    size_t length;
    if (file == NULL) fail(path);
    while (fscanf(file, "%zu", &length) == 1 && fgetc(file) == '\n') {
        requests = realloc(requests, (request_count + 1) * sizeof *requests);
        struct request *request = &requests[request_count++];
        *request = (struct request){malloc(length), length};
        if (fread(request->bytes, 1, length, file) != length) fail(path);
    }
    fclose(file);
    if (request_count == 0) fail(path);
}

static void open_connection(struct connection *c) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    int one = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) != 0) fail("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) != 0) fail("epoll_ctl");
}

static void close_connection(struct connection *c) {
    close(c->fd);
    c->fd = -1;
}

/* An idle one that the server has closed meanwhile can be read: nothing else may be. */
static int is_usable(const struct connection *c) {
    char byte;
    return c->fd >= 0 && recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static void watch(struct connection *c, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event) != 0) fail("epoll_ctl");
}

static void give_up(struct connection *c) {
    errored++;
    under_way--;
    c->working = 0;
    close_connection(c);
}

/* Sends on. @returns 0 when the connection was given up */
static int send_more(struct connection *c) {
    const size_t before = c->sent;
    while (c->sent < c->request->length) {
        ssize_t n = send(c->fd, c->request->bytes + c->sent, c->request->length - c->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            if (before == 0) watch(c, EPOLLIN | EPOLLOUT);
            return 1;
        }
        if (n < 0) {
            give_up(c);
            return 0;
        }
        c->sent += (size_t)n;
    }
    if (before > 0) watch(c, EPOLLIN);
    return 1;
}

static void begin(struct connection *c) {
    if (c->fd < 0) open_connection(c);
    c->request = &requests[next_request++ % request_count];
    c->sent = c->head_length = 0;
    c->head_whole = 0;
    c->working = 1;
    c->begun_us = now_us();
    under_way++;
    send_more(c);
}

/* @param end the empty line @returns 0 when what has come is no head that this program takes */
static int read_head(struct connection *c, char *end) {
    const char *length;
    end[2] = 0; /* of the body nothing is searched */
    if (sscanf(c->head, "HTTP/1.%*1d %3d", &c->status) != 1) return 0;
    length = strcasestr(c->head, "\r\ncontent-length:");
    if (length == NULL) return 0;
    c->body_left = strtoull(length + 17, NULL, 10);
    /* A server writes it like this where it does; one that does not and closes all the same makes a failure of the next request. */
    c->closes = strcasestr(c->head, "\r\nconnection: close\r\n") != NULL;
    c->head_whole = 1;
    return 1;
}

static void answered(struct connection *c) {
    if (answers == durations_room) {
        durations_room = durations_room == 0 ? 65536 : 2 * durations_room;
        durations = realloc(durations, durations_room * sizeof *durations);
        if (durations == NULL) fail("durations");
    }
    durations[answers++] = (uint32_t)(now_us() - c->begun_us);
    if (c->status < 200 || c->status > 299) bad_status++;
    under_way--;
    c->working = 0;
    if (c->closes) close_connection(c);
}

/* Takes what has come. @returns 0 when the connection is at fault */
static int take(struct connection *c, const char *bytes, size_t length) {
    if (!c->head_whole) {
        const size_t known = c->head_length, room = head_max - known, part = length < room ? length : room;
        char *end;
        size_t behind;
        memcpy(c->head + known, bytes, part);
        c->head_length += part;
        end = memmem(c->head, c->head_length, "\r\n\r\n", 4);
        if (end == NULL) return c->head_length < head_max;
        behind = (size_t)(end + 4 - c->head) - known;
        if (!read_head(c, end)) return 0;
        bytes += behind;
        length -= behind;
    }
    if (length > c->body_left) return 0;
    c->body_left -= length;
    return 1;
}

/* Reads what is there. @returns 1 when the answer is whole */
static int receive(struct connection *c) {
    for (;;) {
        ssize_t n = recv(c->fd, piece, sizeof piece, 0);
        if (n < 0 && errno == EAGAIN) return 0;
        if (n <= 0 || !take(c, piece, (size_t)n)) {
            give_up(c);
            return 0;
        }
        bytes_read += (uint64_t)n;
        if (c->head_whole && c->body_left == 0) {
            answered(c);
            return 1;
        }
        if ((size_t)n < sizeof piece) return 0;
    }
}

static void turn(uint64_t milliseconds) {
    struct epoll_event events[256];
    const uint64_t end_us = now_us() + milliseconds * 1000;
    answers = bytes_read = bad_status = errored = 0;
    for (int i = 0; i < connection_count; i++) begin(&connections[i]);
    while (under_way > 0) {
        int count = epoll_wait(epoll, events, 256, silent_ms);
        if (count < 0 && errno != EINTR) fail("epoll_wait");
        if (count == 0) {
            for (int i = 0; i < connection_count; i++)
                if (connections[i].working) give_up(&connections[i]);
        }
        for (int i = 0; i < count; i++) {
            struct connection *c = events[i].data.ptr;
            if (c->fd < 0) continue;
            if (!c->working) { /* it has nothing to say: it is gone */
                close_connection(c);
                continue;
            }
            if ((events[i].events & EPOLLOUT) && !send_more(c)) continue;
            if (!(events[i].events & ~(uint32_t)EPOLLOUT)) continue;
            /* A connection that has failed rests until the next turn: a server that fails at once would be asked without end. */
            if (receive(c) && now_us() < end_us) begin(c);
        }
    }
}

static int by_size(const void *a, const void *b) {
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The least that so many per cent do not exceed. */
static uint32_t percentile(double percent) {
    size_t rank = (size_t)(percent / 100 * (double)answers + 0.999999);
    return answers == 0 ? 0 : durations[rank == 0 ? 0 : rank - 1];
}

static void report(uint64_t elapsed_us) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < answers; i++) {
        sum += durations[i];
        squares += (double)durations[i] * durations[i];
    }
    qsort(durations, answers, sizeof *durations, by_size);
    printf("{\"requests\":%llu,\"elapsedUs\":%llu,\"bytesRead\":%llu,\"status\":%llu,\"errored\":%llu,"
           "\"sumUs\":%.0f,\"squaresUs\":%.0f,\"maxUs\":%u,\"p50Us\":%u,\"p99Us\":%u,\"p999Us\":%u}\n",
           (unsigned long long)answers, (unsigned long long)elapsed_us, (unsigned long long)bytes_read,
           (unsigned long long)bad_status, (unsigned long long)errored, sum, squares,
           answers == 0 ? 0 : durations[answers - 1], percentile(50), percentile(99), percentile(99.9));
    fflush(stdout);
}

int main(int argc, char **argv) {
    char line[32];
    if (argc != 4) {
        fprintf(stderr, "usage: kept-load PORT CONNECTIONS REQUESTS\n");
        return 2;
    }
    port = atoi(argv[1]);
    connection_count = atoi(argv[2]);
    read_requests(argv[3]);
    epoll = epoll_create1(0);
    connections = calloc((size_t)connection_count, sizeof *connections);
    if (epoll < 0 || connections == NULL) fail("start");
    for (int i = 0; i < connection_count; i++) connections[i].fd = -1;
    while (fgets(line, sizeof line, stdin) != NULL) {
        uint64_t begun_us;
        for (int i = 0; i < connection_count; i++) {
            struct connection *c = &connections[i];
            if (c->fd >= 0 && !is_usable(c)) close_connection(c);
            if (c->fd < 0) open_connection(c);
        }
        begun_us = now_us();
        turn(strtoull(line, NULL, 10));
        report(now_us() - begun_us);
    }
    return 0;
}
