"""Go has the same pages below /go/."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponseBadRequest
from django.shortcuts import redirect, render

SHOP = ["tea", "coffee", "cake"]


def whoami(request):
    return render(request, "whoami.html")


def setsession(request):
    if request.method == "POST":
        request.session["sname"] = request.POST.get("sname", "")
        request.session["semail"] = request.POST.get("semail", "")
        return redirect("getsession")
    return render(request, "setsession.html")


def getsession(request):
    sname = request.session.get("sname")
    semail = request.session.get("semail")
    return render(request, "getsession.html", {"sname": sname, "semail": semail})


def cart(request):
    cart = request.session.get("cart", {})
    if request.method == "POST":
        item = request.POST.get("item")
        if item not in SHOP:
            return HttpResponseBadRequest("no such item")
        cart[item] = cart.get(item, 0) + (1 if request.POST.get("by") == "1" else -1)
        if cart[item] <= 0:
            del cart[item]
        request.session["cart"] = cart
        return redirect("cart")
    return render(request, "cart.html", {"lines": [(item, cart.get(item, 0)) for item in SHOP]})


@login_required
def account(request):
    return render(request, "account.html")
