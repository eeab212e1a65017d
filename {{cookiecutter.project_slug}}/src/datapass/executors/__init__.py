"""Where trainings run: each in a process of its own, on this machine or on others, through `concurrent.futures.Executor`.

An executor gets requests and gives back bytes. It knows no Git, no DVC and no results: the stage that asked keeps them.
"""
