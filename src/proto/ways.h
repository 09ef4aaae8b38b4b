/* ways.h - the protocols that proto.c lists. */
#ifndef LW_PROTO_WAYS_H
#define LW_PROTO_WAYS_H

#include "proto/proto.h"

int local_run(struct proto_run *run, struct final *out, struct lw_error *err);
int remote_run(struct proto_run *run, struct final *out, struct lw_error *err);
int minion_run(struct proto_run *run, struct final *out, struct lw_error *err);
int minions_run(struct proto_run *run, struct final *out, struct lw_error *err);

#endif
