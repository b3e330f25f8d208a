"""The dispatch watch (发货监控): whether the goods of a paid order leave in time, and whether their track is true.

One watch per shipment: latest dispatch first (S12, S16, S17), then false dispatch and false tracking of each parcel
(S29-S33). Pure; `workflows.watch.workflow` lives it.
"""
