"""OpenAI's Responses, as the Open Responses specification has them where the two differ.

A response is a query, `resp_` and its id.  What was asked is stored on the bus before it is asked, the answer when it
stands, so that any gateway can show it, cancel it, build on it and stream it, for as long as the stream keeps it (15
minutes by default).

**A stream goes on at any gateway, with the same numbers.**  The events of a response are a function of what the bus
keeps: the request, the drafts and the reply (`script`).  A text is cut into deltas by a rule (`deltas`) of which the
nodes' pieces know nothing, and a delta goes out only when it is settled: more text would not cut it otherwise.  As long
as the answer begins with what was streamed, that is all, and the stored answer gives every event again.  It may not:
a node dies, another draws the text anew.  A text that was streamed can't be taken back, so that its item ends as
`incomplete` and the new text is an item of its own.  Hence a background response has its drafts written ahead
(`drafts`): no delta is sent before the bus has its text, by compare-and-set, so that several gateways agree.  Before
the end is sent the drafts are sealed.  A foreground response ends with its client, so that it needs no drafts.

Where we stop: text in, text out.  No tools (chat completions take them), images, files, reasoning items, conversations,
prompts or compaction; `truncation` is always `auto` (the oldest turns go first where not all fit).  `DELETE` forgets
the request, so that no gateway shows the response again; what the stream keeps of its query ages like all else.  Where
OpenAI and the specification differ: a stream ends with `[DONE]`, and `temperature` and `top_p` are numbers, 1 where
none was wanted, which here means: as the model's makers advise.  A cancelled response's last event is
`response.failed`, as neither has another; its `status` is `cancelled`.  The output of a response is the answer alone;
drafts that were given up are in the stream only.
"""
