/* A camera without a kernel driver: preloaded, it makes ordinary files behave as V4L2 capture devices.
 *
 * FAKEV4L2_DEVICES holds the paths, separated by colons. The *content* of such a file commands the camera:
 *     (empty)    pictures at 30 fps          stall N    nothing more after N pictures
 *     unplug     ENODEV from now on          error      EIO from now on
 *     deny       open() fails with EACCES    hang       open() does not return
 *     freeze N   after N pictures reads do not return, whatever was agreed, and SIGTERM has no effect
 * FAKEV4L2_SIZE ("640x480", the default) is the largest size; FAKEV4L2_JPEG names a JPEG of that size: then MJPEG is
 * offered as well, every picture being that one. FAKEV4L2_H264 names a file of access units in Annex B format, each after
 * its length in 4 bytes, the highest first: then H.264 is offered, the file over and over. Raw pictures are YUYV with the
 * time code of peer/capture/timecode.py.
 *
 * As in a kernel: streaming belongs to one open file (others get EBUSY, in other processes too), and buffers belong to
 * the driver. Once they are unmapped, touching them ends the process: they are made inaccessible and never reused.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define CAMERAS 16
#define BUFFERS 8
#define STRIDE 0x1000000 /* of buffer offsets */
#define FPS 30

struct camera {
    int fd; /* -1: free */
    int nonblock, owner, streaming;
    unsigned width, height, format;
    long count, offset; /* offset: of the next access unit */
    double next;
    int queue[BUFFERS], queued;
    unsigned char *buffer[BUFFERS];
    size_t length;
};

static struct camera cameras[CAMERAS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void prepare(void) {
    for (int i = 0; i < CAMERAS; i++) cameras[i].fd = -1;
}

static double now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void nap(void) {
    struct timespec t = {0, 2000000};
    nanosleep(&t, NULL);
}

static struct camera *find(int fd) {
    for (int i = 0; fd >= 0 && i < CAMERAS; i++)
        if (cameras[i].fd == fd) return &cameras[i];
    return NULL;
}

static int is_camera(const char *path) {
    const char *devices = getenv("FAKEV4L2_DEVICES");
    size_t length = strlen(path);
    for (const char *at = devices; at && *at; at = strchr(at, ':') ? strchr(at, ':') + 1 : NULL)
        if (!strncmp(at, path, length) && (at[length] == ':' || !at[length])) return 1;
    return 0;
}

static int real_open(const char *path, int flags, mode_t mode) {
    int (*call)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
    return call(path, flags, mode);
}

static void command(int fd, char *text, size_t size) {
    ssize_t length = pread(fd, text, size - 1, 0);
    text[length > 0 ? length : 0] = 0;
}

static void largest(unsigned *width, unsigned *height) {
    const char *size = getenv("FAKEV4L2_SIZE");
    if (!size || sscanf(size, "%ux%u", width, height) != 2) *width = 640, *height = 480;
}

static int open_camera(const char *path, int flags) {
    char text[32];
    int fd = real_open(path, O_RDWR | (flags & O_CLOEXEC), 0);
    if (fd < 0) return fd;
    for (command(fd, text, sizeof text); !strncmp(text, "hang", 4); command(fd, text, sizeof text)) {
        pwrite(fd, "hangs", 5, 16); /* so that a test can wait for it */
        nap();
    }
    int fault = !strncmp(text, "deny", 4) ? EACCES : !strncmp(text, "unplug", 6) ? ENODEV : 0;
    pthread_mutex_lock(&lock);
    for (int i = 0; !fault && i <= CAMERAS; i++) {
        if (i == CAMERAS) fault = EMFILE;
        if (fault || cameras[i].fd >= 0) continue;
        memset(&cameras[i], 0, sizeof cameras[i]);
        cameras[i].fd = fd;
        cameras[i].nonblock = !!(flags & O_NONBLOCK);
        cameras[i].format = V4L2_PIX_FMT_YUYV;
        largest(&cameras[i].width, &cameras[i].height);
        break;
    }
    pthread_mutex_unlock(&lock);
    if (!fault) return fd;
    close(fd);
    errno = fault;
    return -1;
}

#define OPEN(name)                                        \
    int name(const char *path, int flags, ...) {          \
        va_list list;                                     \
        va_start(list, flags);                            \
        mode_t mode = va_arg(list, mode_t);               \
        va_end(list);                                     \
        if (is_camera(path) && (flags & O_ACCMODE) == O_RDWR) return open_camera(path, flags); \
        return real_open(path, flags, mode);              \
    }
OPEN(open)
OPEN(open64)

int close(int fd) {
    int (*call)(int) = (int (*)(int))dlsym(RTLD_NEXT, "close");
    pthread_mutex_lock(&lock);
    struct camera *camera = find(fd);
    if (camera) camera->fd = -1;
    pthread_mutex_unlock(&lock);
    return call(fd);
}

static void *map(void *at, size_t length, int access, int flags, int fd, off_t offset) {
    void *(*call)(void *, size_t, int, int, int, off_t) = (void *(*)(void *, size_t, int, int, int, off_t))dlsym(RTLD_NEXT, "mmap64");
    struct camera *camera = find(fd);
    if (!camera || offset / STRIDE >= BUFFERS) return call(at, length, access, flags, fd, offset);
    void *memory = call(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) camera->buffer[offset / STRIDE] = memory;
    return memory;
}

void *mmap(void *at, size_t length, int access, int flags, int fd, off_t offset) {
    return map(at, length, access, flags, fd, offset);
}

void *mmap64(void *at, size_t length, int access, int flags, int fd, off_t offset) {
    return map(at, length, access, flags, fd, offset);
}

int munmap(void *at, size_t length) {
    int (*call)(void *, size_t) = (int (*)(void *, size_t))dlsym(RTLD_NEXT, "munmap");
    for (int i = 0; i < CAMERAS; i++)
        for (int n = 0; n < BUFFERS; n++)
            if (at && cameras[i].buffer[n] == at) {
                cameras[i].buffer[n] = NULL;
                return mprotect(at, length, PROT_NONE);
            }
    return call(at, length);
}

static void draw(struct camera *camera, unsigned char *picture) {
    unsigned milliseconds = (unsigned)(unsigned long long)(now(CLOCK_REALTIME) * 1000), check = 0;
    for (int shift = 0; shift < 32; shift += 4) check ^= milliseconds >> shift & 15;
    unsigned long long word = 1ULL << 39 | (unsigned long long)milliseconds << 6 | check << 2 | 1;
    unsigned strip = camera->height / 12, bar = camera->count * 8 % camera->width;
    for (unsigned y = 0; y < camera->height; y++)
        for (unsigned x = 0; x < camera->width; x++) {
            unsigned char *pixel = picture + 2 * (y * camera->width + x);
            int white = y < strip ? word >> (39 - x * 40 / camera->width) & 1 : x >= bar && x < bar + 16;
            pixel[0] = white ? 235 : y < strip ? 16 : 40 + 160 * x / camera->width;
            pixel[1] = y < strip || white ? 128 : x & 1 ? 150 : 100;
        }
}

static size_t next_unit(struct camera *camera, unsigned char *picture) {
    unsigned char head[4];
    int fd = real_open(getenv("FAKEV4L2_H264"), O_RDONLY, 0);
    if (fd < 0) return 0;
    if (pread(fd, head, 4, camera->offset) != 4) camera->offset = 0;
    size_t length = pread(fd, head, 4, camera->offset) != 4
        ? 0 : (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    ssize_t got = length && length <= camera->length ? pread(fd, picture, length, camera->offset + 4) : 0;
    camera->offset += 4 + (long)length;
    close(fd);
    return got > 0 ? (size_t)got : 0;
}

static size_t fill(struct camera *camera, unsigned char *picture) {
    if (camera->format == V4L2_PIX_FMT_YUYV) {
        draw(camera, picture);
        return camera->length;
    }
    if (camera->format == V4L2_PIX_FMT_H264) return next_unit(camera, picture);
    int fd = real_open(getenv("FAKEV4L2_JPEG"), O_RDONLY, 0);
    ssize_t length = fd < 0 ? -1 : read(fd, picture, camera->length);
    if (fd >= 0) close(fd);
    return length > 0 ? (size_t)length : 0;
}

static int fail(int code) {
    errno = code;
    return -1;
}

static int set_format(struct camera *camera, struct v4l2_format *format, int apply) {
    unsigned width, height;
    largest(&width, &height);
    if (apply) {
        if (!camera->owner && flock(camera->fd, LOCK_EX | LOCK_NB)) return fail(EBUSY);
        if (!camera->owner) flock(camera->fd, LOCK_UN);
        int jpeg = format->fmt.pix.pixelformat == V4L2_PIX_FMT_MJPEG && getenv("FAKEV4L2_JPEG");
        int h264 = format->fmt.pix.pixelformat == V4L2_PIX_FMT_H264 && getenv("FAKEV4L2_H264");
        camera->format = h264 ? V4L2_PIX_FMT_H264 : jpeg ? V4L2_PIX_FMT_MJPEG : V4L2_PIX_FMT_YUYV;
        camera->offset = 0;
        int smaller = !jpeg && !h264 && format->fmt.pix.width && format->fmt.pix.width <= width && format->fmt.pix.height <= height;
        camera->width = smaller ? format->fmt.pix.width : width;
        camera->height = smaller ? format->fmt.pix.height : height;
    }
    camera->length = 2 * camera->width * camera->height;
    format->fmt.pix.width = camera->width;
    format->fmt.pix.height = camera->height;
    format->fmt.pix.pixelformat = camera->format;
    format->fmt.pix.field = V4L2_FIELD_NONE;
    format->fmt.pix.bytesperline = camera->format == V4L2_PIX_FMT_YUYV ? 2 * camera->width : 0;
    format->fmt.pix.sizeimage = camera->length;
    return 0;
}

static int request_buffers(struct camera *camera, struct v4l2_requestbuffers *request) {
    if (request->count && !camera->owner && flock(camera->fd, LOCK_EX | LOCK_NB)) return fail(EBUSY);
    camera->owner = request->count > 0;
    if (!camera->owner) flock(camera->fd, LOCK_UN);
    if (request->count > BUFFERS) request->count = BUFFERS;
    return 0;
}

/* Return 1 if a picture is there, 0 if not yet, a negative errno if there will be none. */
static int is_ready(struct camera *camera) {
    char text[32];
    long limit;
    command(camera->fd, text, sizeof text);
    if (!strncmp(text, "unplug", 6)) return -ENODEV;
    if (!strncmp(text, "error", 5)) return -EIO;
    if (sscanf(text, "stall %ld", &limit) == 1 && camera->count >= limit) return 0;
    return camera->streaming && camera->queued > 0 && now(CLOCK_MONOTONIC) >= camera->next;
}

/* Hold the reader as long as the command says so. */
static void freeze(struct camera *camera) {
    char text[32];
    long limit;
    for (command(camera->fd, text, sizeof text);
         sscanf(text, "freeze %ld", &limit) == 1 && camera->count >= limit;
         command(camera->fd, text, sizeof text)) {
        signal(SIGTERM, SIG_IGN);
        nap();
    }
}

static int dequeue(struct camera *camera, struct v4l2_buffer *buffer) {
    int ready;
    freeze(camera);
    while (!(ready = is_ready(camera))) {
        if (camera->nonblock) return fail(EAGAIN);
        nap();
    }
    if (ready < 0) return fail(-ready);
    int index = camera->queue[0];
    memmove(camera->queue, camera->queue + 1, sizeof(int) * --camera->queued);
    buffer->index = index;
    buffer->bytesused = fill(camera, camera->buffer[index]);
    buffer->flags = 0;
    double at = now(CLOCK_MONOTONIC);
    buffer->timestamp.tv_sec = (long)at;
    buffer->timestamp.tv_usec = (long)((at - (long)at) * 1e6);
    camera->count++;
    camera->next += 1.0 / FPS;
    if (camera->next < at - 0.2) camera->next = at; /* a reader that slept gets no endless backlog */
    return 0;
}

static int control(struct camera *camera, unsigned long request, void *argument) {
    switch (request) {
    case VIDIOC_QUERYCAP: {
        struct v4l2_capability *capability = argument;
        memset(capability, 0, sizeof *capability);
        strcpy((char *)capability->card, "Fake camera");
        capability->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
        capability->capabilities = capability->device_caps | V4L2_CAP_DEVICE_CAPS;
        return 0;
    }
    case VIDIOC_G_INPUT: *(int *)argument = 0; return 0;
    case VIDIOC_S_INPUT: return 0;
    case VIDIOC_ENUMINPUT: {
        struct v4l2_input *input = argument;
        if (input->index) return fail(EINVAL);
        strcpy((char *)input->name, "Camera 1");
        return 0;
    }
    case VIDIOC_G_FMT: return set_format(camera, argument, 0);
    case VIDIOC_S_FMT: return set_format(camera, argument, 1);
    case VIDIOC_G_PARM:
    case VIDIOC_S_PARM: {
        struct v4l2_streamparm *parameters = argument;
        parameters->parm.capture.capability = V4L2_CAP_TIMEPERFRAME;
        parameters->parm.capture.timeperframe = (struct v4l2_fract){1, FPS};
        return 0;
    }
    case VIDIOC_REQBUFS: return request_buffers(camera, argument);
    case VIDIOC_QUERYBUF: {
        struct v4l2_buffer *buffer = argument;
        buffer->length = camera->length;
        buffer->m.offset = buffer->index * STRIDE;
        return 0;
    }
    case VIDIOC_QBUF: {
        if (camera->queued < BUFFERS) camera->queue[camera->queued++] = ((struct v4l2_buffer *)argument)->index;
        return 0;
    }
    case VIDIOC_STREAMON:
        camera->streaming = 1;
        camera->next = now(CLOCK_MONOTONIC) + 1.0 / FPS;
        return 0;
    case VIDIOC_STREAMOFF: camera->streaming = camera->queued = 0; return 0;
    case VIDIOC_DQBUF: return dequeue(camera, argument);
    default: return fail(ENOTTY);
    }
}

int ioctl(int fd, unsigned long request, ...) {
    int (*call)(int, unsigned long, ...) = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
    va_list list;
    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    struct camera *camera = find(fd);
    return camera ? control(camera, (unsigned int)request, argument) : call(fd, request, argument);
}
